"""The errors of the ROS layer."""

from mtopt_core.errors import MtoptError


class RosError(MtoptError):
    """Root of the errors raised by mtopt_ros."""


class CallFailed(RosError):
    """A service or action that did not answer, or answered with a refusal."""


class NotReady(RosError):
    """A request that came while the node could not serve it."""
