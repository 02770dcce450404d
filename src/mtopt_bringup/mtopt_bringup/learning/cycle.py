"""What every cycle of the closed loop has alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtopt_core.action import ActionBounds
from mtopt_core.tasks import TaskRegistry
from mtopt_learner.config import LearnConfig
from mtopt_learner.loop import LoopState
from mtopt_sim.collecting.plan import Wanted

_SEEDS = 100_000  # cycles that a seed has seeds for


@dataclass(frozen=True)
class Cycle:
    """Settings, the tasks, how many cells, where versions go."""

    config: LearnConfig
    tasks: TaskRegistry
    bounds: ActionBounds
    cells: int
    name: str
    store: Path
    folder: Path

    def wanted(self, state: LoopState, served: bool) -> Wanted:
        """The run of collecting of a cycle."""
        loop = self.config.loop
        asked = state.collecting(loop, served)
        return Wanted(
            episodes=asked.episodes,
            seed=self.config.seed * _SEEDS + state.cycle,
            models=str(self.store) if served else "",
            mix=asked.mix,
            scene=loop.scene,
            variation=loop.variation,
            guided=asked.guided,
        )
