"""How a node fares: the faults it has now, by name, until they are over."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """Severity, as on the wire."""

    OK = 0
    WARN = 1
    FAULT = 2


@dataclass
class Health:
    """Current faults and warnings, and figures worth knowing."""

    faults: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def fault(self, name: str, message: str) -> None:
        """A fault that stands from now on."""
        self.faults[name] = message

    def warn(self, name: str, message: str) -> None:
        """Something that a person should know but that stops nothing."""
        self.warnings[name] = message

    def over(self, name: str) -> None:
        """A fault or warning that has ended."""
        self.faults.pop(name, None)
        self.warnings.pop(name, None)

    def clear(self) -> None:
        """No fault and no warning any more."""
        self.faults.clear()
        self.warnings.clear()

    @property
    def worst(self) -> tuple[Level, str, str]:
        """Level, name and message of what matters most."""
        for level, known in ((Level.FAULT, self.faults), (Level.WARN, self.warnings)):
            if known:
                name, message = next(iter(known.items()))
                return level, name, message
        return Level.OK, "", ""
