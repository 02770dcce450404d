"""The closed loop as decisions: what comes after what, and which version is promoted.

collect -> train -> gate -> collect -> ...

A cycle's phases can each be begun anew and go on where they were, so the state that is kept is no
more than which phase of which cycle it is. Nothing here collects, trains or looks at a clock.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from mtopt_core.config import option
from mtopt_core.evaluation import Scores
from mtopt_core.exploration import MixConfig
from mtopt_data.partfile import make_folder, named, replace_file

from .errors import LoopInvalid


class Phase(StrEnum):
    """Where a cycle is."""

    COLLECT = "collect"
    TRAIN = "train"
    GATE = "gate"


@dataclass(frozen=True)
class LoopConfig:
    """How long the phases of `mtopt learn --hours` are, and what they do."""

    first_episodes: int = option(2000, "episodes before the first training", low=1)
    first_guided: float = option(
        0.5, "share of them by policies that know the simulation's truth", low=0.0, high=1.0
    )
    first_steps: int = option(3000, "steps of the first training", low=1)
    episodes: int = option(400, "episodes in each later cycle", low=1)
    guided: float = option(0.1, "share of those by policies that know the truth", low=0.0, high=1.0)
    scripted: float = option(0.0, "weight of blind scripts in the rest", low=0.0, high=1e6)
    epsilon_greedy: float = option(1.0, "weight of epsilon-greedy episodes", low=0.0, high=1e6)
    on_policy: float = option(1.0, "weight of purely greedy episodes", low=0.0, high=1e6)
    epsilon: float = option(0.2, "share of random steps in epsilon-greedy ones", low=0.0, high=1.0)
    steps: int = option(1000, "steps of training in each later cycle", low=1)
    scene: str = option("", "scene that is collected in; empty: the cell as config/sim.yaml has it")
    variation: str = option("", "how far the cell differs; empty: as the scene says")
    gate_scene: str = option("plain", "scene of the gate; none that is kept for evaluation")
    gate_attempts: int = option(
        5, "attempts at each task by the new and by the old version; 0: no gate", low=0, high=1000
    )
    gate_margin: float = option(
        0.0, "how much better the new version's mean must be", low=-1.0, high=1.0
    )


@dataclass(frozen=True)
class Collecting:
    """What a cycle collects."""

    episodes: int
    mix: MixConfig
    guided: float


@dataclass(frozen=True)
class LoopState:
    """Which phase of which cycle it is.

    `goal` steps end its training; `spent_s` is the time that all starts took together.
    """

    cycle: int = 0
    phase: Phase = Phase.COLLECT
    goal: int = 0
    spent_s: float = 0.0

    def next(self, steps: int, config: LoopConfig) -> LoopState:
        """What comes when this phase is done, after so many steps of training in all."""
        if self.phase is Phase.COLLECT:
            more = config.steps if self.cycle else config.first_steps
            return replace(self, phase=Phase.TRAIN, goal=steps + more)
        if self.phase is Phase.TRAIN:
            return replace(self, phase=Phase.GATE)
        return replace(self, phase=Phase.COLLECT, cycle=self.cycle + 1)

    def collecting(self, config: LoopConfig, served: bool) -> Collecting:
        """What is collected in this cycle, with a model that serves or without one."""
        if not served:
            return Collecting(config.first_episodes, MixConfig(), config.first_guided)
        mix = MixConfig(config.scripted, config.epsilon_greedy, config.on_policy, config.epsilon)
        return Collecting(config.episodes, mix, config.guided)


def beats(new: Scores, old: Scores | None, margin: float) -> bool:
    """Whether a new version takes the old one's place: its mean over the tasks is at least as high.

    The first version has nobody to beat. At equal means the newer one is taken, which has learned
    more. Raises LoopInvalid where the two were not tried equally often at the same tasks.
    """
    if old is None:
        return True
    tried = [{task: share.tries for task, share in s.shares.items()} for s in (new, old)]
    if tried[0] != tried[1] or not tried[0]:
        raise LoopInvalid(f"a gate needs the same attempts by both: {tried[0]} and {tried[1]}")
    return new.figures["mean"] - old.figures["mean"] >= margin - _ROUNDING


_ROUNDING = 1e-9


def read_state(path: Path) -> LoopState:
    """The state that was written last; the beginning where there is none. Raises LoopInvalid."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        state = LoopState(
            int(kept["cycle"]), Phase(kept["phase"]), int(kept["goal"]), float(kept["spent_s"])
        )
    except FileNotFoundError:
        return LoopState()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoopInvalid(f"{path}: is no state of a loop: {error!r}") from error
    if state.cycle < 0 or state.goal < 0 or not state.spent_s >= 0.0:
        raise LoopInvalid(f"{path}: {state}: must not be negative")
    return state


def write_state(path: Path, state: LoopState) -> None:
    """The state as a whole, on the disk when it returns; raises DiskFull, FolderNotWritable."""
    make_folder(path.parent)
    try:
        replace_file(path, (json.dumps(asdict(state)) + "\n").encode())
    except OSError as error:
        raise named(error, path) from error
