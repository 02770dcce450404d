"""The errors of the ROS layer."""

from mtopt_core.errors import MtoptError


class RosError(MtoptError):
    """Root of the errors raised by mtopt_ros."""


class CallFailed(RosError):
    """A service or action that did not answer, or answered with a refusal."""


class NotReady(RosError):
    """A request that came while the node could not serve it."""


class LedgerLost(RosError):
    """A runner's ledger that cannot be read or written: what was collected would be forgotten."""


class LatchLost(RosError):
    """An emergency stop that could not be put on the disk, or not be taken from it."""
