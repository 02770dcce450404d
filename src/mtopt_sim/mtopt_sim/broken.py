"""Parts of the simulated cell that are out of order: for trials of what a cell does about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mtopt_core.errors import ConfigError
from mtopt_core.joints import JointState

from .lens import CAMERAS

PARTS = {
    **{f"camera_{camera}": f"the {camera} camera sends no images" for camera in CAMERAS},
    "joint_states": "no joint is heard of",
    "joint_offset": "the joints report 0.2 rad more than there is",
    "hinges": "the bins do not move",
}
OFFSET_RAD = 0.2
SOURCE = "parts of the simulated cell"


@dataclass(frozen=True)
class Broken:
    """What does not work now; by default everything does."""

    parts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, words: str) -> Broken:
        """Parts by name, with commas; raises ConfigError."""
        parts = [part.strip() for part in words.split(",") if part.strip()]
        for part in parts:
            if part not in PARTS:
                raise ConfigError(SOURCE, "broken", part, f"must be one of {', '.join(PARTS)}")
        return cls(frozenset(parts))

    @property
    def hinges(self) -> bool:
        """Whether the bins stay where they are, whatever they are sent."""
        return "hinges" in self.parts

    def shows(self, camera: str) -> bool:
        """Whether a camera still sends images."""
        return f"camera_{camera}" not in self.parts

    def told(self, state: JointState) -> JointState | None:
        """What is reported of the joints; None if nothing is."""
        if "joint_states" in self.parts:
            return None
        if "joint_offset" in self.parts:
            return replace(state, q_rad=state.q_rad + OFFSET_RAD)
        return state
