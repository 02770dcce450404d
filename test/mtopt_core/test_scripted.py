"""The scripted policies, driven to their end over many seeds on a cell without physics."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fakes.fake_cell import FakeCell
from mtopt_core.action import ActionBounds, Gripper
from mtopt_core.cell import EndReason
from mtopt_core.episode import Episode, run_episode
from mtopt_core.policy import Policy
from mtopt_core.scripted import SOURCE, ScriptConfig, ScriptedPick, ScriptedPlace
from mtopt_core.success import grade_truth
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Bin, Workspace

SEEDS = range(200)
QUIET = ScriptConfig(noise_m=0.0, noise_rad=0.0)


class Bench:
    """Episodes of one script after another on a fresh cell."""

    def __init__(self, workspace: Workspace, bounds: ActionBounds, registry: TaskRegistry) -> None:
        self.workspace, self.bounds, self.registry = workspace, bounds, registry
        self.config = ScriptConfig()

    def pick(self, seed: int, config: ScriptConfig | None = None) -> tuple[Episode, FakeCell]:
        cell = FakeCell(self.workspace, self.bounds, error_m=0.001)
        cell.reset(seed)
        policy = ScriptedPick(self.workspace, self.bounds, config or self.config)
        return self._run(cell, policy, "lift-any", seed), cell

    def place(self, seed: int, config: ScriptConfig | None = None) -> tuple[Episode, FakeCell]:
        """From where a pick ends, with the object in the gripper."""
        _, cell = self.pick(seed)
        cell.closed, cell.held = True, True
        policy = ScriptedPlace(self.workspace, self.bounds, config or self.config)
        return self._run(cell, policy, "place-any", seed), cell

    def _run(self, cell: FakeCell, policy: Policy, task: str, seed: int) -> Episode:
        return run_episode(cell, policy, self.registry[task], seed=seed)


@pytest.fixture(scope="module")
def bench(workspace: Workspace, bounds: ActionBounds, registry: TaskRegistry) -> Bench:
    return Bench(workspace, bounds, registry)


def commands(episode: Episode) -> list[str]:
    """What an episode did, each stretch of equal steps once."""
    said: list[str] = []
    for step in episode.steps:
        action = step.decision.action
        down = "down" if action.delta_m[2] < -0.03 else "near"
        word = "up" if action.delta_m[2] > 0.03 else down
        if action.terminate:
            word = "terminate"
        elif action.gripper is not Gripper.KEEP:
            word = action.gripper.name.lower()
        if not said or said[-1] != word:
            said.append(word)
    return said


def height_m(episode: Episode, command: Gripper) -> float:
    """The height at which a gripper command was given."""
    return next(
        step.observation.gripper_height_m
        for step in episode.steps
        if step.decision.action.gripper is command
    )


def test_a_pick_goes_down_closes_lifts_and_ends(bench: Bench) -> None:
    for seed in SEEDS:
        episode, _ = bench.pick(seed)
        assert episode.reason is EndReason.TERMINATED, seed
        order = [word for word in commands(episode) if word != "near"]
        assert order == ["down", "close", "up", "terminate"], seed
        assert height_m(episode, Gripper.CLOSE) <= bench.config.grasp_height_m + 0.02, seed
        end_m = episode.steps[-1].observation.gripper_height_m
        assert end_m >= bench.config.lift_height_m - 0.01, seed


def test_a_pick_that_has_the_object_lifts_it(bench: Bench) -> None:
    lifted = 0
    for seed in SEEDS:
        episode, cell = bench.pick(seed)
        grade = grade_truth(bench.registry, cell.truth(), bench.workspace)
        assert grade["lift-any"] == cell.held, episode.message
        lifted += cell.held
    assert lifted > len(SEEDS) / 2


def test_a_place_lets_go_over_the_left_bin_and_retracts(bench: Bench) -> None:
    travel_m = bench.workspace.hover_z_m - bench.workspace.bins.floor_z_m
    for seed in SEEDS:
        episode, cell = bench.place(seed)
        assert episode.reason is EndReason.TERMINATED, seed
        order = commands(episode)
        assert order.count("open") == 1, seed
        assert "close" not in order, seed
        assert height_m(episode, Gripper.OPEN) <= bench.config.release_height_m + 0.02, seed
        assert bench.workspace.bins.holds(Bin.LEFT, cell.object_m), seed
        end_m = episode.steps[-1].observation.gripper_height_m
        assert end_m >= travel_m - 0.02, seed


def test_a_place_carries_the_object_over_the_walls_between_the_bins(bench: Bench) -> None:
    rim_z_m = bench.workspace.bins.rim_z_m
    for seed in SEEDS:
        episode, _ = bench.place(seed)
        path = np.array([step.observation.T_base_tool[:3, 3] for step in episode.steps])
        for start, end in pairwise(path):
            if start[1] * end[1] < 0.0:
                assert min(start[2], end[2]) > rim_z_m + 0.02, seed


def test_places_land_all_over_the_left_bin(bench: Bench) -> None:
    spots = np.array([bench.place(seed)[1].object_m[:2] for seed in SEEDS])
    length_m, width_m, _ = bench.workspace.bins.inner_size_m
    assert np.ptp(spots[:, 0]) > length_m / 2
    assert np.ptp(spots[:, 1]) > width_m / 2
    landed = [
        grade_truth(bench.registry, bench.place(s)[1].truth(), bench.workspace) for s in range(40)
    ]
    assert 0 < sum(grade["place-any"] for grade in landed) < len(landed)


@pytest.mark.parametrize("seed", range(10))
def test_scripts_end_without_noise_too(bench: Bench, seed: int) -> None:
    for episode, _ in (bench.pick(seed, QUIET), bench.place(seed, QUIET)):
        assert episode.reason is EndReason.TERMINATED
        assert all(step.decision.action.yaw_rad == 0.0 for step in episode.steps)


def test_noise_is_on_every_motion(bench: Bench) -> None:
    for seed in range(20):
        for step in bench.pick(seed)[0].steps:
            action = step.decision.action
            if action.moves:
                assert action.delta_m[0] != 0.0
                assert action.yaw_rad != 0.0


def test_scripts_say_who_they_are(bench: Bench) -> None:
    for step in (*bench.pick(0)[0].steps, *bench.place(0)[0].steps):
        assert step.decision.source == SOURCE
        assert np.isnan(step.decision.q)


def test_a_place_with_an_open_gripper_has_nothing_to_let_go_of(
    bench: Bench, workspace: Workspace, bounds: ActionBounds, registry: TaskRegistry
) -> None:
    cell = FakeCell(workspace, bounds)
    episode = run_episode(cell, ScriptedPlace(workspace, bounds), registry["place-any"], seed=1)
    assert episode.reason is EndReason.TERMINATED
    assert len(episode.steps) == 1
