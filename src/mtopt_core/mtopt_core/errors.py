"""The error root of the whole suite, and the few errors the core itself raises."""


class MtoptError(Exception):
    """Root of every error that this software raises on purpose; packages derive their own."""


class CoreError(MtoptError):
    """Root of the errors raised by mtopt_core."""


class ConfigError(CoreError):
    """A setting that cannot be used: says where it stands, its value and what is allowed."""

    def __init__(self, source: str, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{source}: {field} = {value!r}: {allowed}")
        self.source = source
        self.field = field
        self.value = value
        self.allowed = allowed


class UnknownTask(CoreError):
    """A task name that the registry does not hold."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown task {name!r}; known tasks: {', '.join(known)}")
        self.name = name


class InvalidAction(CoreError):
    """An action that no arm may be asked for: not finite, or not of this vocabulary."""


class GuardRefusal(CoreError):
    """The guard let nothing through: says which law was broken, the value and the bound."""

    def __init__(self, law: str, message: str) -> None:
        super().__init__(f"{law}: {message}")
        self.law = law


class ReservedForEvaluation(CoreError):
    """Training asked for a seed, an object or a scene that is kept for evaluation."""


class NotReserved(CoreError):
    """An evaluation was given a seed that training may have used."""
