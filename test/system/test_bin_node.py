"""The bin node over hinges that obey, or jam."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fakes.ros_cell_hardware import FAST_BIN, CellHardware
from fakes.ros_session import Prober, Spinner, managed, until
from mtopt_core.cell import EndReason
from mtopt_core.workspace import Workspace
from mtopt_msgs.action import ResetBins
from mtopt_msgs.msg import Heartbeat
from mtopt_ros.bin_node import BinNode
from mtopt_ros.errors import CallFailed
from mtopt_ros.qos import STATES

pytestmark = pytest.mark.system

LEFT, RIGHT = "bin_left_joint", "bin_right_joint"


@pytest.fixture
def hardware(prober: Prober, workspace: Workspace) -> Iterator[CellHardware]:
    hardware = CellHardware(workspace, cameras=False)
    spinner = Spinner()
    spinner.add(hardware)
    yield hardware
    spinner.close()


@pytest.fixture
def hinges(hardware: CellHardware, spinner: Spinner, prober: Prober) -> BinNode:
    node: BinNode = spinner.add(managed(BinNode, "bin", sim_time=True, **FAST_BIN))
    prober.bring_up("bin")
    return node


def reset(prober: Prober) -> ResetBins.Result:
    return prober.do(ResetBins, "bin/reset")


def furthest(hardware: CellHardware, joint: str) -> float:
    """The greatest angle that a hinge was sent to."""
    return max(
        point.positions[message.joint_names.index(joint)]
        for message in hardware.sent["bin"]
        for point in message.points
    )


def test_a_reset_tips_one_bin_shakes_the_other_and_brings_both_back(
    hinges: BinNode, prober: Prober, hardware: CellHardware
) -> None:
    done = reset(prober)
    assert done.ok and done.attempts == 1, done.message
    assert furthest(hardware, LEFT) > 2.0
    assert 0.0 < furthest(hardware, RIGHT) <= 0.5
    state = hardware.joint_state().select((LEFT, RIGHT))
    assert state.q_rad == pytest.approx([0.0, 0.0], abs=1e-3)


def test_a_jammed_hinge_is_named_and_the_bins_are_parked(
    hinges: BinNode, prober: Prober, hardware: CellHardware
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    hardware.stuck = {LEFT: 0.3}
    done = reset(prober)
    assert not done.ok and done.reason == EndReason.BIN_JAM and done.attempts > 1
    assert LEFT in done.message
    until(lambda: beats and beats[-1].fault == EndReason.BIN_JAM, "the fault in the heartbeat")
    hardware.stuck = {}
    assert reset(prober).ok
    until(lambda: beats[-1].fault == "", "the end of the fault")


def test_a_second_reset_is_refused(hinges: BinNode, prober: Prober, hardware: CellHardware) -> None:
    first = prober.action(ResetBins, "bin/reset").send_goal_async(ResetBins.Goal())
    until(lambda: hardware.sent["bin"], "the first reset to begin")
    with pytest.raises(CallFailed, match="refused the goal"):
        reset(prober)
    result = first.result().get_result_async()
    until(result.done, "the first reset's end")
    assert result.result().result.ok


def test_deactivating_ends_a_reset_as_stopped(
    hinges: BinNode, prober: Prober, hardware: CellHardware
) -> None:
    first = prober.action(ResetBins, "bin/reset").send_goal_async(ResetBins.Goal())
    until(lambda: hardware.sent["bin"], "the reset to begin")
    assert prober.change("bin", "deactivate")
    result = first.result().get_result_async()
    until(result.done, "the reset's end")
    assert result.result().result.reason == EndReason.STOPPED
    sent = len(hardware.sent["bin"])
    with pytest.raises(CallFailed, match="refused the goal"):
        reset(prober)
    assert len(hardware.sent["bin"]) == sent
    until(lambda: not np.abs(hardware.joint_state().qd_rad_s).any(), "the hinges to rest")
    assert prober.change("bin", "activate")
    assert reset(prober).ok


def test_joint_states_of_others_are_no_harm(
    hinges: BinNode, prober: Prober, hardware: CellHardware, spinner: Spinner
) -> None:
    first = prober.action(ResetBins, "bin/reset").send_goal_async(ResetBins.Goal())
    until(lambda: hardware.sent["bin"], "the reset to begin")
    hardware.lost = {LEFT}
    ticks = hardware.now_ns
    until(lambda: hardware.now_ns > ticks + 10**9, "some joint states without the hinge")
    hardware.lost = set()
    result = first.result().get_result_async()
    until(result.done, "the reset's end")
    assert spinner.error is None and result.result().result.ok


def test_hinges_that_fall_silent_stop_the_reset_by_name(
    spinner: Spinner, prober: Prober, hardware: CellHardware
) -> None:
    slow = {"motion": {"speed_fraction": 0.05}}  # still on its way when the states count as stale
    strict = FAST_BIN | {"sequence": {**FAST_BIN["sequence"], "stale_after_s": 0.2}}
    spinner.add(managed(BinNode, "bin", sim_time=True, **strict, **slow))
    prober.bring_up("bin")
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    first = prober.action(ResetBins, "bin/reset").send_goal_async(ResetBins.Goal())
    until(lambda: hardware.joint_state().select((LEFT,)).q_rad[0] > 0.5, "the left bin to tip")
    hardware.silent = {"joint_states"}
    result = first.result().get_result_async()
    until(result.done, "the reset's end")
    given_up = result.result().result
    assert not given_up.ok and given_up.reason == EndReason.JOINT_STATES_STALE
    assert "bound 0.2 s" in given_up.message
    until(lambda: beats and beats[-1].fault == EndReason.JOINT_STATES_STALE, "the fault")
    held = hardware.sent["bin"][-1]
    assert held.points[0].velocities[0] > 0.0  # it takes over in motion, and ends it at once
    assert held.points[-1].velocities[0] == pytest.approx(0.0, abs=1e-6)
    assert held.points[-1].positions[0] < 2.4
    hardware.silent = set()
    until(lambda: beats[-1].fault == "", "the end of the fault")
    assert hardware.sent["bin"][-1] is held


def test_a_reset_without_any_joint_states_ends(
    hinges: BinNode, prober: Prober, hardware: CellHardware
) -> None:
    hardware.silent = {"joint_states"}
    assert reset(prober).reason == EndReason.JOINT_STATES_STALE
    assert not hardware.sent["bin"]


def test_hinges_with_the_cells_name_before_theirs(
    spinner: Spinner, prober: Prober, workspace: Workspace
) -> None:
    hardware = spinner.add(CellHardware(workspace, cameras=False, prefix="cell1_"))
    spinner.add(managed(BinNode, "bin", sim_time=True, joint_prefix="cell1_", **FAST_BIN))
    prober.bring_up("bin")
    done = reset(prober)
    assert done.ok, done.message
    assert hardware.sent["bin"][0].joint_names == [f"cell1_{LEFT}", f"cell1_{RIGHT}"]
