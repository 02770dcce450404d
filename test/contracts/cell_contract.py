"""What any Cell must keep, whatever stands behind it.

Inherit, and give the fixture `cell`; widen the class attributes where physics needs it:

    class TestMyCell(CellContract):
        @pytest.fixture
        def cell(self, workspace, bounds): ...
"""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.action import HOLD, Action, ActionBounds, Gripper
from mtopt_core.cell import ActionTaken, Cell, EndReason
from mtopt_core.episode import EpisodeLimits, run_episode
from mtopt_core.geometry import tilt_of, wrap_angle, yaw_of
from mtopt_core.observation import Image, OutcomeImages
from mtopt_core.scripted import ScriptedPick
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Bin, Workspace


def _is_view(image: Image) -> bool:
    return image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and image.size > 0


class CellContract:
    """Laws of mtopt_core.cell.Cell."""

    position_tolerance_m = 0.005  # how far the arm may end from where it was sent
    angle_tolerance_rad = 0.03
    seed = 7

    @pytest.fixture
    def cell(self) -> Cell:
        raise NotImplementedError("a subclass gives the cell")

    @pytest.fixture
    def task(self, registry: TaskRegistry) -> Task:
        return registry["lift-any"]

    @pytest.fixture
    def begun(self, cell: Cell, task: Task) -> Cell:
        cell.reset(self.seed)
        cell.begin(task, self.seed)
        return cell

    def test_a_lift_begins_open_tool_down_and_hovering_over_the_right_bin(
        self, begun: Cell, workspace: Workspace
    ) -> None:
        seen = begun.observe()
        assert not seen.gripper_closed
        assert tilt_of(seen.T_base_tool) <= self.angle_tolerance_rad
        assert workspace.bins.holds(Bin.RIGHT, seen.T_base_tool[:3, 3])
        assert seen.T_base_tool[2, 3] == pytest.approx(
            workspace.hover_z_m, abs=self.position_tolerance_m
        )

    def test_an_observation_agrees_with_itself(self, begun: Cell, workspace: Workspace) -> None:
        seen = begun.observe()
        assert _is_view(seen.image)
        height_m = seen.T_base_tool[2, 3] - workspace.bins.floor_z_m
        assert seen.gripper_height_m == pytest.approx(height_m, abs=1e-6)
        assert seen.T_base_tool.shape == (4, 4)
        assert np.isfinite(seen.T_base_tool).all()

    def test_the_same_seed_begins_at_the_same_place(self, cell: Cell, task: Task) -> None:
        starts = []
        for _ in range(2):
            cell.reset(self.seed)
            cell.begin(task, self.seed)
            starts.append(cell.observe().T_base_tool[:3, 3])
        assert starts[0] == pytest.approx(starts[1], abs=self.position_tolerance_m)

    def test_other_seeds_begin_elsewhere(self, cell: Cell, task: Task) -> None:
        starts = []
        for seed in range(3):
            cell.begin(task, seed)
            starts.append(cell.observe().T_base_tool[:2, 3])
        spread_m = np.ptp(np.array(starts), axis=0).max()
        assert spread_m > 2.0 * self.position_tolerance_m

    @pytest.mark.parametrize(
        "delta_m", [(0.04, 0.0, 0.0), (0.0, -0.04, 0.0), (0.0, 0.0, -0.05), (-0.03, 0.03, 0.02)]
    )
    def test_a_step_goes_where_it_says(
        self, begun: Cell, delta_m: tuple[float, float, float]
    ) -> None:
        before = begun.observe()
        taken = begun.act(Action(delta_m))
        goal_m = before.T_base_tool[:3, 3] + taken.sent.delta_m
        assert taken.T_base_tool[:3, 3] == pytest.approx(goal_m, abs=self.position_tolerance_m)
        assert begun.observe().T_base_tool[:3, 3] == pytest.approx(
            taken.T_base_tool[:3, 3], abs=self.position_tolerance_m
        )

    def test_a_turn_turns_about_the_bases_z(self, begun: Cell) -> None:
        before = begun.observe()
        taken = begun.act(Action(yaw_rad=0.5))
        turned = wrap_angle(yaw_of(taken.T_base_tool) - yaw_of(before.T_base_tool))
        assert turned == pytest.approx(taken.sent.yaw_rad, abs=self.angle_tolerance_rad)
        assert tilt_of(taken.T_base_tool) <= self.angle_tolerance_rad

    def test_a_hold_stays(self, begun: Cell) -> None:
        before = begun.observe()
        taken = begun.act(HOLD)
        assert not taken.sent.moves
        assert taken.T_base_tool[:3, 3] == pytest.approx(
            before.T_base_tool[:3, 3], abs=self.position_tolerance_m
        )

    def test_what_was_sent_is_within_bounds_and_the_tool_stays_in_its_box(
        self, begun: Cell, bounds: ActionBounds, workspace: Workspace
    ) -> None:
        for sign in (1.0, -1.0):
            for _ in range(4):
                taken = begun.act(Action((sign * 0.4, sign * 0.4, -sign * 0.4), sign * 3.0))
                motion = np.abs([*taken.sent.delta_m, taken.sent.yaw_rad])
                assert np.all(motion <= bounds.high + 1e-9)
                assert workspace.tool_box.contains(
                    taken.T_base_tool[:3, 3], slack_m=self.position_tolerance_m
                )

    def test_the_gripper_closes_and_opens(self, begun: Cell) -> None:
        begun.act(Action(gripper=Gripper.CLOSE))
        assert begun.observe().gripper_closed
        begun.act(HOLD)
        assert begun.observe().gripper_closed
        begun.act(Action(gripper=Gripper.OPEN))
        assert not begun.observe().gripper_closed

    def test_time_only_goes_on(self, begun: Cell) -> None:
        stamps = [begun.observe().stamp_ns]
        for _ in range(3):
            taken: ActionTaken = begun.act(Action((0.0, 0.0, -0.02)))
            assert taken.started_ns <= taken.ended_ns
            stamps += [taken.ended_ns, begun.observe().stamp_ns]
        assert stamps == sorted(stamps)
        assert stamps[0] < stamps[-1]

    def test_the_outcome_is_seen_after_the_last_motion(self, begun: Cell) -> None:
        taken = begun.act(Action((0.0, 0.0, -0.02)))
        images: OutcomeImages = begun.outcome_images()
        assert all(_is_view(view) for view in (images.overhead, images.left, images.right))
        assert images.stamp_ns >= taken.ended_ns

    def test_holding_never_fails_and_may_be_repeated(self, cell: Cell, task: Task) -> None:
        cell.hold()
        cell.reset(self.seed)
        cell.hold()
        cell.begin(task, self.seed)
        cell.hold()
        cell.hold()
        assert not cell.observe().gripper_closed

    def test_an_episode_runs_to_its_end(
        self, cell: Cell, task: Task, workspace: Workspace, bounds: ActionBounds
    ) -> None:
        cell.reset(self.seed)
        pick = ScriptedPick(workspace, bounds)
        episode = run_episode(cell, pick, task, limits=EpisodeLimits(), seed=self.seed)
        assert episode.reason is EndReason.TERMINATED, episode.message
        assert all(step.observation.stamp_ns <= step.taken.ended_ns for step in episode.steps)
