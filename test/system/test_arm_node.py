"""The arm node over hardware that obeys: what moves it, what does not, what stops it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from std_srvs.srv import Trigger

from fakes.ros_cell_hardware import FAST_ARM, CellHardware
from fakes.ros_session import Prober, Spinner, managed, until
from mtopt_core.action import Action, Gripper
from mtopt_core.cell import EndReason
from mtopt_core.workspace import Workspace
from mtopt_msgs.action import ExecuteStep, MoveHome
from mtopt_msgs.msg import Heartbeat
from mtopt_msgs.srv import Rearm
from mtopt_ros import convert
from mtopt_ros.arm_node import ArmNode
from mtopt_ros.errors import CallFailed
from mtopt_ros.qos import STATES

pytestmark = pytest.mark.system

HOVER = MoveHome.Goal(hover=True, open_gripper=True, yaw=0.3)
HOVER.above.x, HOVER.above.y, HOVER.above.z = 0.58, -0.16, 0.25


@pytest.fixture
def hardware(prober: Prober, workspace: Workspace) -> Iterator[CellHardware]:
    hardware = CellHardware(workspace, cameras=False)
    spinner = Spinner()
    spinner.add(hardware)
    yield hardware
    spinner.close()


@pytest.fixture
def arm(hardware: CellHardware, spinner: Spinner, prober: Prober) -> ArmNode:
    node: ArmNode = spinner.add(managed(ArmNode, "arm", sim_time=True, **FAST_ARM))
    prober.bring_up("arm")
    until(lambda: step(prober, Action()).ok, "the first joint states")
    return node


def step(prober: Prober, action: Action) -> ExecuteStep.Result:
    goal = ExecuteStep.Goal(action=convert.action_msg(action))
    return prober.do(ExecuteStep, "arm/execute_step", goal)


def hover(prober: Prober) -> MoveHome.Result:
    return prober.do(MoveHome, "arm/move_home", HOVER)


def tool(result: ExecuteStep.Result) -> np.ndarray:
    return convert.pose(result.tool)[:3, 3]


class Underway:
    """A goal that runs beside the test."""

    def __init__(self, prober: Prober, kind: type, name: str, goal: object) -> None:
        self.result: object = None
        self.error: Exception | None = None

        def perform() -> None:
            try:
                self.result = prober.do(kind, name, goal)
            except CallFailed as failed:
                self.error = failed

        self._thread = threading.Thread(target=perform, daemon=True)
        self._thread.start()

    def end(self) -> object:
        self._thread.join(30.0)
        assert not self._thread.is_alive()
        return self.result


def moving(hardware: CellHardware, prober: Prober) -> Underway:
    """A long way that has begun."""
    before = len(hardware.sent["arm"])
    underway = Underway(prober, MoveHome, "arm/move_home", HOVER)
    until(lambda: len(hardware.sent["arm"]) > before, "the arm to be sent somewhere")
    until(lambda: np.abs(hardware.joint_state().qd_rad_s).max() > 0.05, "the arm to move")
    return underway


def test_a_step_moves_the_hardware_and_says_what_was_sent(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    above = hover(prober)
    assert above.ok, above.message
    assert convert.pose(above.tool)[:3, 3] == pytest.approx([0.58, -0.16, 0.25], abs=1e-3)
    done = step(prober, Action((0.03, 0.02, -0.05), 0.4, Gripper.CLOSE))
    assert done.ok, done.message
    sent = convert.action(done.sent)
    assert sent.delta_m == pytest.approx((0.03, 0.02, -0.05), abs=1e-6)
    assert tool(done) - convert.pose(above.tool)[:3, 3] == pytest.approx(sent.delta_m, abs=2e-3)
    assert done.gripper_closed and hardware.sent["gripper"]
    assert convert.stamp_ns(done.started) < convert.stamp_ns(done.ended)


def test_a_step_too_far_is_cut_and_the_cut_one_is_told(arm: ArmNode, prober: Prober) -> None:
    start = convert.pose(hover(prober).tool)[:3, 3]
    done = step(prober, Action((0.0, -0.5, 0.0)))
    assert done.ok, done.message
    sent = convert.action(done.sent)
    assert abs(sent.delta_m[1]) <= 0.1 + 1e-9
    assert tool(done) - start == pytest.approx(sent.delta_m, abs=2e-3)


def test_an_action_that_is_not_a_number_moves_nothing(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    hover(prober)
    sent = len(hardware.sent["arm"])
    goal = ExecuteStep.Goal()
    goal.action.delta.x = math.nan
    done = prober.do(ExecuteStep, "arm/execute_step", goal)
    assert not done.ok and done.reason == EndReason.COMMAND_REFUSED and "finite" in done.message
    assert len(hardware.sent["arm"]) == sent
    assert step(prober, Action((0.0, 0.0, -0.02))).ok  # and the next one is not refused


def test_silent_joints_end_the_motion_and_nothing_is_sent_blindly(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    underway = moving(hardware, prober)
    sent = len(hardware.sent["arm"])
    hardware.silent.add("joint_states")
    done = underway.end()
    assert not done.ok and done.reason == EndReason.JOINT_STATES_STALE
    # A stop along what it was sent, if it still moved by then; from old states, nothing.
    refused = step(prober, Action((0.0, 0.0, -0.02)))
    assert not refused.ok and refused.reason == EndReason.JOINT_STATES_STALE
    assert len(hardware.sent["arm"]) <= sent + 1
    hardware.silent.clear()
    until(lambda: hover(prober).ok, "the arm to go on")


def test_a_joint_that_stays_behind_is_a_tracking_error(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    here = hardware.joint_state()
    hardware.stuck = {here.names[1]: float(here.q_rad[1])}
    done = hover(prober)
    assert not done.ok and done.reason == EndReason.TRACKING_ERROR and here.names[1] in done.message


def test_a_step_that_leans_on_something_ends_there_and_a_way_does_not(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    above = hover(prober)
    hardware.pushing = {"iiwa_joint_6": 39.0}
    sent = len(hardware.sent["arm"])
    leant = step(prober, Action((0.0, 0.0, -0.05)))
    assert leant.ok, leant.message
    assert len(hardware.sent["arm"]) == sent + 2  # the step, and its stop
    assert tool(leant)[2] > convert.pose(above.tool)[2, 3] - 0.04
    barred = hover(prober)
    assert not barred.ok and barred.reason == EndReason.CONTACT
    hardware.pushing = {}
    until(lambda: hover(prober).ok, "the arm to go on")


def test_joint_states_without_a_joint_are_a_named_fault(
    arm: ArmNode, prober: Prober, hardware: CellHardware, spinner: Spinner
) -> None:
    underway = moving(hardware, prober)
    hardware.lost = {"iiwa_joint_3"}
    done = underway.end()
    assert spinner.error is None
    assert not done.ok and done.reason == EndReason.JOINT_STATES_STALE
    hardware.lost = set()
    until(lambda: hover(prober).ok, "the arm to go on")


def test_a_second_goal_is_refused_not_queued(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    underway = moving(hardware, prober)
    sent = len(hardware.sent["arm"])
    with pytest.raises(CallFailed, match="refused the goal"):
        step(prober, Action((0.0, 0.0, -0.02)))
    assert underway.end().ok
    assert len(hardware.sent["arm"]) == sent


def test_a_hold_ends_the_motion_where_it_is(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    underway = moving(hardware, prober)
    assert prober.ask(Trigger, "arm/hold").success
    done = underway.end()
    assert not done.ok and done.reason == EndReason.NODE_LOST
    goal_rad = np.array(hardware.sent["arm"][0].points[-1].positions)
    until(lambda: not np.abs(hardware.joint_state().qd_rad_s).any(), "the arm to rest")
    assert np.abs(hardware.joint_state().q_rad[:7] - goal_rad).max() > 0.01
    assert hover(prober).ok


def test_a_hold_while_resting_is_no_harm(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    hover(prober)
    until(lambda: not np.abs(hardware.joint_state().qd_rad_s).any(), "the arm to rest")
    before = hardware.joint_state().q_rad
    assert prober.ask(Trigger, "arm/hold").success
    assert step(prober, Action()).ok
    assert hardware.joint_state().q_rad == pytest.approx(before, abs=1e-3)


def test_a_node_that_is_not_active_moves_nothing(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    before = len(hardware.sent["arm"])
    assert prober.change("arm", "deactivate")
    until(lambda: len(hardware.sent["arm"]) > before, "the hold that deactivating sends")
    sent = len(hardware.sent["arm"])
    with pytest.raises(CallFailed, match="refused the goal"):
        hover(prober)
    assert len(hardware.sent["arm"]) == sent
    assert prober.change("arm", "activate")
    assert hover(prober).ok


def test_deactivating_stops_a_motion(arm: ArmNode, prober: Prober, hardware: CellHardware) -> None:
    underway = moving(hardware, prober)
    assert prober.change("arm", "deactivate")
    done = underway.end()
    assert not done.ok and done.reason == EndReason.STOPPED


def test_an_emergency_stop_is_latched_until_it_is_rearmed(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    underway = moving(hardware, prober)
    assert prober.ask(Trigger, "arm/emergency_stop").success
    done = underway.end()
    assert not done.ok and done.reason == EndReason.EMERGENCY_STOP
    until(lambda: not np.abs(hardware.joint_state().qd_rad_s).any(), "the arm to rest")
    sent = len(hardware.sent["arm"])
    for _ in range(2):
        refused = step(prober, Action((0.0, 0.0, -0.02)))
        assert not refused.ok and refused.reason == EndReason.EMERGENCY_STOP
        assert hover(prober).reason == EndReason.EMERGENCY_STOP
        # Not even a new life of the node clears it.
        assert prober.change("arm", "deactivate", "cleanup", "configure", "activate")
        beats.clear()
        until(lambda: beats, "a heartbeat")
        assert beats[-1].fault == EndReason.EMERGENCY_STOP
    moved = [p for message in hardware.sent["arm"][sent:] for p in message.points]
    for point in moved:  # what holds sent stays where the arm is
        assert np.abs(point.velocities).max() < 1e-3
    assert prober.ask(Rearm, "arm/rearm", Rearm.Request(who="a test")).ok
    assert hover(prober).ok
    beats.clear()
    until(lambda: beats, "a heartbeat")
    assert beats[-1].fault == ""


def test_an_emergency_stop_outlives_the_node_s_process(
    hardware: CellHardware, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    kept = {"latch": str(tmp_path / "cell1" / "emergency_stop"), **FAST_ARM}
    first = spinner.add(managed(ArmNode, "arm", sim_time=True, **kept))
    prober.bring_up("arm")
    until(lambda: step(prober, Action()).ok, "the first joint states")
    assert prober.ask(Trigger, "arm/emergency_stop").success
    spinner.remove(first)
    spinner.add(managed(ArmNode, "arm", sim_time=True, **kept))
    prober.bring_up("arm")
    until(lambda: step(prober, Action()).reason == EndReason.EMERGENCY_STOP, "the stop as it was")
    assert prober.ask(Rearm, "arm/rearm", Rearm.Request(who="a test")).ok
    until(lambda: step(prober, Action()).ok, "the arm to move again")
    assert not (tmp_path / "cell1" / "emergency_stop").exists()


def test_a_joint_that_is_no_number_is_a_named_fault_until_it_is_one(
    arm: ArmNode, prober: Prober, hardware: CellHardware
) -> None:
    hardware.stuck = {"iiwa_joint_4": float("nan")}
    until(lambda: step(prober, Action()).reason == EndReason.JOINT_STATES_STALE, "the fault")
    assert hover(prober).reason == EndReason.JOINT_STATES_STALE
    hardware.stuck = {}
    until(lambda: hover(prober).ok, "the arm to go on")
