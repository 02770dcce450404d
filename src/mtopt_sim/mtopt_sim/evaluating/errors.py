"""What goes wrong when evaluating."""

from ..errors import SimError


class EvaluationFailed(SimError):
    """Workers that end, or an attempt that meets an error which another try would meet again."""


class EvaluationBusy(SimError):
    """The same evaluation runs in another process."""


class JournalInvalid(SimError):
    """A record of attempts that cannot be read."""
