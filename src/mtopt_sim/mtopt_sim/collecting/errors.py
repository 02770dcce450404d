"""What goes wrong when collecting."""

from ..errors import SimError


class PlanInvalid(SimError):
    """A run that cannot be planned, or a plan's file that is none."""


class FolderBusy(SimError):
    """Another process collects into the data folder."""


class WorkersLost(SimError):
    """Worker processes end again and again without an episode in between."""


class CollectingFailed(SimError):
    """A worker met an error that another try would meet again."""
