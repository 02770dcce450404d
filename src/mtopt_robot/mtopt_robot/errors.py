"""The error root of mtopt_robot and the named ways in which its parts fail."""

from mtopt_core.errors import MtoptError


class RobotError(MtoptError):
    """Root of the errors raised by mtopt_robot."""


class DescriptionInvalid(RobotError):
    """A robot description that cannot be read, or that lacks something it must have."""


class NoSolution(RobotError):
    """Inverse kinematics found no joint positions within the limits for a pose."""


class UnreachableTarget(RobotError):
    """A target or a way to it that the arm may not take from where it is."""


class MotionInfeasible(RobotError):
    """No trajectory within the limits exists between these states."""


class CalibrationInvalid(RobotError):
    """A camera calibration that no camera can have."""


class CameraUnavailable(RobotError):
    """A camera or video that cannot be opened as asked."""


class CameraLost(RobotError):
    """A camera or video that was open and gives no more images."""


class ImageInvalid(RobotError):
    """Bytes or an array that are no image of the kind wanted."""
