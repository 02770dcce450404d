"""The cell of the episode loop: the contract of every cell, and its own laws."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from contracts.cell_contract import CellContract
from mtopt_core.action import Action, Gripper
from mtopt_core.episode import run_episode
from mtopt_core.scripted import ScriptedPick
from mtopt_core.success import grade_truth
from mtopt_core.workspace import Bin
from mtopt_robot.convergence import ConvergenceConfig
from mtopt_robot.driver import ArmDriver
from mtopt_sim.cell import SimCell


class TestSimCell(CellContract):
    @pytest.fixture
    def cell(self, shared_cell: SimCell) -> SimCell:
        shared_cell.restart(3)
        return shared_cell


def test_an_episode_again_is_the_same_bit_for_bit(
    cell: SimCell, registry, workspace, bounds
) -> None:
    def run() -> tuple:
        cell.restart(4)
        seen = []

        class Watch:
            def started(self, task, seed) -> None: ...
            def ended(self, episode) -> None: ...
            def stepped(self, step) -> None:
                image, taken = step.observation.image, step.taken
                seen.append((image.tobytes(), taken.sent, taken.ended_ns))

        for seed in (1, 2):
            run_episode(
                cell, ScriptedPick(workspace, bounds), registry["lift-any"], [Watch()], seed=seed
            )
        bits = []
        for seed in (5, 6):  # after a reset as after a restart
            cell.reset(seed)
            data = cell.workcell.data
            bits.append((data.qpos.tobytes(), data.qvel.tobytes(), cell.workcell.now_ns))
            cell.begin(registry["lift-any"], seed)
            cell.act(Action((0.0, 0.0, -0.1)))
        return seen, bits, data.qpos.tobytes()

    first = run()
    cell.restart(9)  # another history
    cell.begin(registry["lift-any"], 9)
    assert run() == first


def test_a_reset_brings_everything_into_the_right_bin_by_physics(cell: SimCell) -> None:
    workcell, bins = cell.workcell, cell.workcell.workspace.bins
    for round_ in range(2):
        rng = np.random.default_rng(round_)
        for index, name in enumerate(workcell.object_names):
            x = 0.46 + 0.12 * (index % 3)
            y = 0.07 + 0.09 * (index // 3)
            joint = workcell.data.joint(name)
            joint.qpos = [x, y, 0.10, *rng.normal(size=4)]
            joint.qvel = 0.0
        workcell.settle()
        in_left = [t for t in cell.truth().objects if bins.holds(Bin.LEFT, t.position_m)]
        assert len(in_left) >= 8
        before_ns = workcell.now_ns
        cell.reset(round_)
        assert workcell.now_ns - before_ns > 3_000_000_000
        assert all(bins.holds(Bin.RIGHT, t.position_m) for t in cell.truth().objects)
        hinges = workcell.joint_state().q_rad[9:11]
        assert hinges == pytest.approx([0.0, 0.0], abs=0.02)
        home = np.array(workcell.workspace.home_q_rad)
        assert workcell.joint_state().q_rad[:7] == pytest.approx(home, abs=0.01)


def test_the_arm_at_home_is_out_of_the_left_bins_way(cell: SimCell) -> None:
    """No contact between robot and bins at any angle of the tip."""
    workcell = cell.workcell
    model, data = workcell.model, workcell.data
    robot = {
        model.body(n).id
        for n in workcell.description.names(
            (
                "iiwa_link_5",
                "iiwa_link_6",
                "iiwa_link_7",
                "gripper_palm",
                "gripper_finger_1",
                "gripper_finger_2",
            )
        )
    }
    left = workcell.description.name("bin_left_joint")
    for angle in np.linspace(0.0, 2.6, 40):
        data.joint(left).qpos = angle
        mujoco.mj_fwdPosition(model, data)
        bodies = model.geom_bodyid[data.contact.geom[: data.ncon]]
        assert not any(set(map(int, pair)) & robot for pair in bodies), f"at {angle:.2f} rad"


def test_place_tasks_begin_where_the_arm_is(cell: SimCell, registry) -> None:
    cell.begin(registry["lift-any"], 1)
    before, at_ns = cell.observe().T_base_tool, cell.workcell.now_ns
    cell.begin(registry["place-any"], 1)
    assert cell.workcell.now_ns == at_ns
    assert np.array_equal(cell.observe().T_base_tool, before)


def test_a_step_that_leans_on_something_hard_ends_there(cell: SimCell, registry) -> None:
    """A body as heavy as the arm bars its way: it lets go, and the episode goes on."""
    cell.begin(registry["lift-any"], 0)
    workcell, driver = cell.workcell, cell.driver
    cell.driver = ArmDriver(driver.arm, driver.limits, ConvergenceConfig(contact_share=0.5))
    cell.hold()  # the new driver measures
    relented: list[int] = []
    relent = cell.driver.relent
    cell.driver.relent = lambda now_ns: (relented.append(now_ns), relent(now_ns))[1]
    tool = cell.observe().T_base_tool[:3, 3]
    right = workcell.description.name("bin_right_joint")
    workcell.follow("bin", _raise(workcell))
    workcell.advance(1.5)
    assert workcell.joint_state().select((right,)).q_rad[0] > 0.4
    bound_nm = 0.5 * driver.limits.effort_nm
    for _ in range(6):
        cell.act(Action((0.0, -0.06 if tool[1] > -0.2 else 0.0, -0.1)))
        assert cell.observe().gripper_height_m > 0.02, "the arm went through the bin"
        effort_nm = workcell.joint_state().select(driver.limits.names).effort_nm
        assert np.all(np.abs(effort_nm) < bound_nm)
    assert relented
    here = workcell.joint_state().q_rad[:7]
    workcell.advance(0.5)
    assert workcell.joint_state().q_rad[:7] == pytest.approx(here, abs=0.05)


def _raise(workcell):
    from mtopt_sim.follower import TrajectoryPoints

    names = workcell.description.names(("bin_left_joint", "bin_right_joint"))
    return TrajectoryPoints(names, np.array([1.0]), np.array([[0.0, 0.5]]))


def test_truth_grades_a_lift(cell: SimCell, registry, workspace) -> None:
    grades = grade_truth(registry, cell.truth(), workspace)
    assert set(grades) == set(registry.names)
    assert not any(grades.values())


def test_an_action_is_sent_as_the_guard_leaves_it(cell: SimCell, registry, bounds) -> None:
    cell.begin(registry["lift-any"], 1)
    taken = cell.act(Action((9.0, 0.0, 0.0), gripper=Gripper.CLOSE))
    assert abs(taken.sent.delta_m[0]) <= bounds.delta_m[0] + 1e-9
    assert taken.sent.gripper is Gripper.CLOSE
    assert taken.started_ns < taken.ended_ns


def test_a_config_for_the_cell_can_be_read_from_the_file(root) -> None:
    opened = SimCell.open(root)
    try:
        assert opened.observe().image.shape == (512, 640, 3)
        views = opened.outcome_images()
        assert views.overhead.shape == (512, 640, 3)
        assert views.left.shape == views.right.shape == (480, 640, 3)
    finally:
        opened.close()


def test_a_named_cell_moves_like_the_nameless_one(root, shared_cell: SimCell, registry) -> None:
    opened = SimCell.open(root, shared_cell.config, cell="cell7")
    try:
        opened.reset(1)
        opened.begin(registry["lift-any"], 1)
        named = opened.observe().T_base_tool
        assert all(name.startswith("cell7_") for name in opened.workcell.joint_state().names)
    finally:
        opened.close()
    shared_cell.restart(1)
    shared_cell.begin(registry["lift-any"], 1)
    assert shared_cell.observe().T_base_tool == pytest.approx(named, abs=1e-9)


def test_objects_asked_for_are_the_objects_there(root, shared_cell: SimCell) -> None:
    few = replace(shared_cell.config, sim=replace(shared_cell.config.sim, objects=("can", "can")))
    opened = SimCell.open(root, few)
    try:
        assert [t.name for t in opened.truth().objects] == ["can", "can_2"]
        assert [t.category for t in opened.truth().objects] == ["can", "can"]
    finally:
        opened.close()
