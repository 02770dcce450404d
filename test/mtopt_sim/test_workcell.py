"""The cell as a machine: it follows, it keeps time, it tells the truth."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from mtopt_core.workspace import Bin, Workspace
from mtopt_robot.arm import Arm
from mtopt_robot.description import RobotDescription
from mtopt_sim.config import SimConfig
from mtopt_sim.errors import TrajectoryRefused
from mtopt_sim.follower import TrajectoryPoints
from mtopt_sim.lens import Lens
from mtopt_sim.plate import PLATE, RADIUS_M
from mtopt_sim.workcell import Workcell


@pytest.fixture(scope="module")
def arm(description, workspace, bounds) -> Arm:
    return Arm.of(description, workspace, bounds)


def send(cell: Workcell, controller: str, goal, duration_s: float) -> None:
    names = cell.joint_state().names
    known = {"gripper": names[7:8], "bin": names[9:11], "arm": names[:7]}[controller]
    cell.follow(
        controller, TrajectoryPoints(known, np.array([duration_s]), np.array([goal], dtype=float))
    )


def state(cell: Workcell) -> bytes:
    data = cell.data
    return b"".join(a.tobytes() for a in (data.qpos, data.qvel, data.ctrl, cell.model.body_pos))


def test_the_same_seed_gives_the_same_bits(workcell: Workcell) -> None:
    def run(seed: int) -> bytes:
        workcell.restart(seed)
        send(workcell, "arm", np.array(workcell.workspace.home_q_rad) + 0.3, 0.8)
        send(workcell, "bin", (0.6, 0.0), 0.5)
        workcell.advance(1.5)
        return state(workcell)

    first = run(11)
    assert run(12) != first
    assert run(11) == first


def test_a_fresh_cell_has_the_same_bits_too(
    workcell: Workcell,
    description: RobotDescription,
    workspace: Workspace,
    lenses: tuple[Lens, ...],
) -> None:
    workcell.restart(5)
    fresh = Workcell(description, workspace, SimConfig(), lenses)
    fresh.restart(5)
    assert state(fresh) == state(workcell)


def test_time_is_the_steps_that_were_made(workcell: Workcell) -> None:
    start_ns = workcell.now_ns
    workcell.advance(0.1)
    assert workcell.now_ns - start_ns == 100_000_000
    workcell.advance(0.001)
    assert workcell.now_ns - start_ns == 104_000_000
    assert workcell.data.time == pytest.approx(workcell.now_ns * 1e-9)


def test_a_scene_begins_with_everything_at_rest_in_the_right_bin(workcell: Workcell) -> None:
    for seed in range(4):
        workcell.restart(seed)
        truth = workcell.truth()
        bins = workcell.workspace.bins
        assert all(bins.holds(Bin.RIGHT, thing.position_m) for thing in truth.objects)
        assert not truth.held and not truth.gripper_closed and not workcell.strays()
        before = np.array([thing.position_m for thing in truth.objects])
        workcell.advance(1.0)
        after = np.array([thing.position_m for thing in workcell.truth().objects])
        assert np.abs(after - before).max() < 0.02


def test_the_arm_stands_where_it_is_told_to(workcell: Workcell) -> None:
    home = np.array(workcell.workspace.home_q_rad)
    workcell.advance(2.0)
    assert workcell.joint_state().q_rad[:7] == pytest.approx(home, abs=1e-4)
    assert workcell.joint_state().q_rad[7:9] == pytest.approx([0.035, 0.035], abs=1e-4)


def test_tracking_errors_stay_small_at_full_speed(workcell: Workcell, arm: Arm) -> None:
    home = np.array(workcell.workspace.home_q_rad)
    goal = home + np.array([0.9, 0.5, -0.4, 0.5, 0.6, -0.5, 1.0])
    motion = arm.motion.to(home, goal)
    assert np.abs(motion.qd_rad_s).max() > 0.8
    workcell.follow("arm", TrajectoryPoints.of(motion))
    worst = 0.0
    while workcell.now_ns < workcell._followers["arm"].end_ns:
        workcell.advance(0.02)
        error = workcell.joint_state().q_rad[:7] - workcell.commanded("arm")
        worst = max(worst, float(np.abs(error).max()))
    assert worst < 0.01
    workcell.advance(0.3)
    assert workcell.joint_state().q_rad[:7] == pytest.approx(goal, abs=5e-4)


def test_effort_is_the_weight_that_the_drives_carry(workcell: Workcell) -> None:
    """At rest the joints' torque is what mujoco's own inverse dynamics asks for."""
    workcell.advance(0.5)
    data = mujoco.MjData(workcell.model)
    data.qpos[:] = workcell.data.qpos
    workcell.model.body_gravcomp[:], kept = 0.0, workcell.model.body_gravcomp.copy()
    mujoco.mj_forward(workcell.model, data)
    weight = data.qfrc_bias[:7].copy()
    workcell.model.body_gravcomp[:] = kept
    assert np.abs(weight).max() > 10.0
    assert workcell.joint_state().effort_nm[:7] == pytest.approx(weight, abs=0.3)


def test_the_fingers_move_as_one(workcell: Workcell) -> None:
    send(workcell, "gripper", [0.01], 0.4)
    for _ in range(10):
        workcell.advance(0.06)
        one, other = workcell.joint_state().q_rad[7:9]
        assert one == pytest.approx(other, abs=5e-4)
    assert one == pytest.approx(0.01, abs=5e-4)
    assert workcell.gripper_closed


def test_holding_stops_the_arm_and_keeps_the_grip(workcell: Workcell) -> None:
    send(workcell, "gripper", [0.0], 0.2)
    send(workcell, "arm", np.array(workcell.workspace.home_q_rad) + 0.5, 2.0)
    workcell.advance(1.0)
    workcell.hold()
    stood = workcell.commanded("arm")
    workcell.advance(1.0)
    assert workcell.joint_state().q_rad[:7] == pytest.approx(stood, abs=0.02)
    assert workcell.commanded("gripper") == pytest.approx([0.0])


def test_an_unknown_controller_is_refused(workcell: Workcell) -> None:
    with pytest.raises(TrajectoryRefused, match="arm, gripper, bin"):
        workcell.follow("leg", TrajectoryPoints(("a",), np.ones(1), np.ones((1, 1))))


def test_the_plate_turns_with_its_bin_and_is_then_moved(workcell: Workcell) -> None:
    before = workcell.truth().plate
    bins = workcell.workspace.bins
    assert before is not None
    assert bins.holds(Bin.LEFT, before.T_base_plate[:3, 3], RADIUS_M)
    assert before.T_base_plate[2, 3] == pytest.approx(bins.floor_z_m, abs=1e-3)
    send(workcell, "bin", (2.5, 0.0), 1.5)
    workcell.advance(2.0)
    tipped = workcell.pose_of(PLATE)
    assert tipped[2, 2] == pytest.approx(np.cos(2.5), abs=0.02)
    assert tipped[1, 3] < 0.0
    send(workcell, "bin", (0.0, 0.0), 1.5)
    workcell.advance(2.0)
    after = workcell.truth().plate
    assert after is not None and after.T_base_plate[2, 2] == pytest.approx(1.0, abs=1e-3)
    moved_m = np.linalg.norm(after.T_base_plate[:2, 3] - before.T_base_plate[:2, 3])
    assert moved_m > 1e-3


def test_what_falls_out_of_the_cell_is_put_back(
    workcell: Workcell, caplog: pytest.LogCaptureFixture
) -> None:
    for name, place in (("can", (0.9, 0.6, 0.3)), ("milk", (0.25, -0.1, 0.2))):
        workcell.data.joint(name).qpos[:3] = place
    workcell.advance(0.3)
    assert set(workcell.strays()) == {"can", "milk"}
    workcell.advance(2.0)
    assert not workcell.strays()
    where = {t.name: t.position_m for t in workcell.truth().objects}
    assert all(workcell.workspace.bins.holds(Bin.RIGHT, where[n]) for n in ("can", "milk"))
    assert "can" in caplog.text and "milk" in caplog.text
    assert set(workcell.truth().put_back) == {"can", "milk"}
    resets = workcell.resets
    for left_rad in (2.5, 0.0):
        send(workcell, "bin", (left_rad, 0.0), 1.5)
        workcell.advance(2.0)
    assert workcell.resets == resets + 1
    assert workcell.truth().put_back == ()  # told until the next reset


def test_a_motion_longer_than_is_worked_out_at_once_is_followed_to_its_end(
    workcell: Workcell,
) -> None:
    goal = np.array(workcell.workspace.home_q_rad) + 0.2
    send(workcell, "arm", goal, 5.0)
    for at_s in (2.5, 2.5):
        workcell.advance(at_s)
        here, wanted = workcell.joint_state().q_rad[:7], workcell.commanded("arm")
        assert here == pytest.approx(wanted, abs=0.01)
    workcell.advance(0.3)
    assert workcell.joint_state().q_rad[:7] == pytest.approx(goal, abs=1e-3)


def test_a_trajectory_stamped_for_another_century_costs_nothing_now(workcell: Workcell) -> None:
    names = workcell.joint_state().names[:7]
    goal = np.array([workcell.workspace.home_q_rad])
    late = TrajectoryPoints(names, np.ones(1), goal, stamp_ns=1_800_000_000_000_000_000)
    workcell.follow("arm", late)
    workcell.advance(0.1)
    assert workcell.now_ns >= 100_000_000
