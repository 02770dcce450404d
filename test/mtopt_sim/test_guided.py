"""Clumsy policies that know the truth: good enough to fill a buffer, and bad enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtopt_core.action import TERMINATE, ActionBounds, Gripper
from mtopt_core.episode import run_episode
from mtopt_core.policy import Decision
from mtopt_core.success import grade_truth
from mtopt_core.tasks import TaskRegistry
from mtopt_sim.cell import SimCell
from mtopt_sim.guided import GUIDED, Clumsiness, GuidedPick, GuidedPlace, PartlyGuided

NEAT = Clumsiness(levels=(0.0,), wrong=0.0, stray=0.0, early=0.0, hasty=0.0)


def graded(cell: SimCell, registry: TaskRegistry) -> dict[str, bool]:
    return grade_truth(registry, cell.truth(), cell.workcell.workspace)


def test_a_neat_guide_lifts_what_is_asked_for_and_places_it_where_it_should(
    cell: SimCell, registry: TaskRegistry, bounds: ActionBounds
) -> None:
    pick, place = GuidedPick(cell, bounds, NEAT), GuidedPlace(cell, bounds, NEAT)
    lifted = placed = 0
    for seed, (what, where) in enumerate(
        [("box", "bottom"), ("can", "top-left"), ("bottle", "top-right")]
    ):
        cell.restart(seed)
        episode = run_episode(cell, pick, registry[f"lift-{what}"], seed=seed)
        assert {step.decision.source for step in episode.steps} == {GUIDED}
        if graded(cell, registry)[f"lift-{what}"]:
            lifted += 1
            run_episode(cell, place, registry[f"place-{where}"], seed=seed)
            placed += graded(cell, registry)[f"place-{where}"]
    assert lifted >= 2 and placed >= lifted - 1


def test_after_a_grip_that_came_up_empty_it_opens_and_tries_again(
    cell: SimCell, registry: TaskRegistry, bounds: ActionBounds
) -> None:
    blind = replace(NEAT, levels=(1.0,), aim_m=0.2, again=1.0)
    episode = run_episode(cell, GuidedPick(cell, bounds, blind), registry["lift-can"], seed=5)
    commands = [step.decision.action.gripper for step in episode.steps]
    first = commands.index(Gripper.CLOSE)
    assert Gripper.OPEN in commands[first:]
    assert all(not step.decision.action.terminate for step in episode.steps[: first + 2])


def test_strays_and_early_ends_come_in_their_shares(
    cell: SimCell, registry: TaskRegistry, bounds: ActionBounds
) -> None:
    guide = GuidedPick(cell, bounds, replace(NEAT, stray=0.3, early=0.2))
    guide.begin(registry["lift-any"], 1)
    seen = cell.observe()
    made = [guide(seen, registry["lift-any"]).action for _ in range(400)]
    assert 50 <= sum(action == TERMINATE for action in made) <= 110
    assert len({action.delta_m for action in made}) > 60  # a neat guide has one way from here


class _Other:
    def begin(self, task, seed) -> None: ...
    def __call__(self, observation, task) -> Decision:
        return Decision(TERMINATE, "other")


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_guides_act_in_their_share_of_episodes(
    share: float, cell: SimCell, registry: TaskRegistry, bounds: ActionBounds
) -> None:
    task, seen = registry["lift-any"], cell.observe()
    policy = PartlyGuided({"lift": GuidedPick(cell, bounds, NEAT)}, _Other(), share)
    sources = []
    for seed in range(40):
        policy.begin(task, seed)
        sources.append(policy(seen, task).source == GUIDED)
    assert np.mean(sources) == pytest.approx(share, abs=0.15 if 0 < share < 1 else 0.0)
