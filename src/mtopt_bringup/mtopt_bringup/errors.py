"""The errors of starting a fleet."""

from mtopt_core.errors import MtoptError


class BringupError(MtoptError):
    """Root of the errors raised by mtopt_bringup."""


class NotInstalled(BringupError):
    """A package or executable that has to be there and is not."""


class StartFailed(BringupError):
    """A fleet that could not be started."""


class ManagerLost(BringupError):
    """The process manager ended or fell silent while the fleet ran."""


class UnknownBench(BringupError):
    """A bench that does not exist."""
