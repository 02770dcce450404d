"""What goes wrong in the simulated cell."""

from mtopt_core.errors import MtoptError


class SimError(MtoptError):
    """Root of the errors raised by mtopt_sim."""


class DescriptionError(SimError):
    """The robot description cannot be expanded or lacks what the simulator needs."""


class TrajectoryRefused(SimError):
    """A controller took no notice of a trajectory: says which law it breaks."""


class UnknownObject(SimError):
    """A kind of object or a camera that the cell does not have."""


class UnknownScene(SimError):
    """A scene that config/scenes.yaml does not have."""
