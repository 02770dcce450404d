"""The errors of starting a fleet."""

from mtopt_core.errors import MtoptError


class BringupError(MtoptError):
    """Root of the errors raised by mtopt_bringup."""


class NotInstalled(BringupError):
    """A package or executable that has to be there and is not."""


class StartFailed(BringupError):
    """A fleet that could not be started, or that lost a process for good."""


class UnknownBench(BringupError):
    """A bench that does not exist."""
