"""The cell behind ROS keeps the cell's contract: real nodes over hardware that obeys."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from rclpy.action import ActionClient

from contracts.cell_contract import CellContract
from fakes.ros_cell_hardware import FAST_ARM, FAST_BIN, SHADES, CellHardware
from fakes.ros_fixtures import ros  # noqa: F401
from fakes.ros_runner import client_of
from fakes.ros_session import Prober, Spinner, managed, start_ros, until
from mtopt_core.action import Action
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.tasks import Task
from mtopt_core.workspace import Workspace
from mtopt_msgs.action import ExecuteStep
from mtopt_ros import convert
from mtopt_ros.arm_node import ArmNode
from mtopt_ros.bin_node import BinNode
from mtopt_ros.camera_node import CameraNode
from mtopt_ros.frames import NewestFrames
from mtopt_ros.ros_cell import CellClients, RosCell
from mtopt_ros.settings import CAMERAS, RunnerSettings

pytestmark = pytest.mark.system


@dataclass
class World:
    """A running cell, and the client that stands for the runner."""

    hardware: CellHardware
    prober: Prober
    client: Callable[[], RosCell]


@pytest.fixture(scope="module")
def world(workspace: Workspace) -> Iterator[World]:
    start_ros()
    spinners = [Spinner() for _ in range(2)]
    hardware = spinners[0].add(CellHardware(workspace))
    prober = Prober()
    try:
        spinners[1].add(managed(CameraNode, "camera", sim_time=True, max_age_s=30.0))
        spinners[1].add(managed(ArmNode, "arm", sim_time=True, **FAST_ARM))
        spinners[1].add(managed(BinNode, "bin", sim_time=True, **FAST_BIN))
        prober.bring_up("camera", "arm", "bin")
        goal = ExecuteStep.Goal(action=convert.action_msg(Action()))
        until(lambda: prober.do(ExecuteStep, "arm/execute_step", goal).ok, "joint states")
        yield World(hardware, prober, lambda: client_of(prober, workspace))
    finally:
        with contextlib.ExitStack() as ends:
            for one in (*spinners, prober):
                ends.callback(one.close)


class TestRosCell(CellContract):
    @pytest.fixture
    def cell(self, world: World) -> Iterator[RosCell]:
        yield world.client()
        world.hardware.stuck, world.hardware.silent = {}, set()
        world.prober.abort.clear()

    def test_the_views_are_not_mixed_up(self, begun: RosCell) -> None:
        views = begun.outcome_images()
        for camera in CAMERAS:
            shade = getattr(views, camera).mean()
            assert shade == pytest.approx(SHADES[camera], abs=4), camera
        assert begun.observe().image.mean() == pytest.approx(SHADES["overhead"], abs=4)

    def test_a_camera_that_stops_is_a_fault_that_names_it(
        self, begun: RosCell, world: World
    ) -> None:
        world.hardware.silent = {"left"}
        taken = begun.act(Action((0.0, 0.0, -0.02)))
        assert begun.observe().stamp_ns >= taken.ended_ns
        with pytest.raises(CellFault, match="left") as caught:
            begun.outcome_images()
        assert caught.value.reason is EndReason.CAMERA_FAULT

    def test_joints_that_fall_silent_are_a_fault_of_that_name(
        self, begun: RosCell, world: World
    ) -> None:
        world.hardware.silent = {"joint_states"}
        with pytest.raises(CellFault) as caught:
            begun.act(Action((0.0, 0.0, -0.1)))
        assert caught.value.reason is EndReason.JOINT_STATES_STALE
        world.hardware.silent = set()
        until(lambda: _acts(begun), "the arm to go on")

    def test_a_jammed_bin_is_a_fault_of_that_name(self, cell: RosCell, world: World) -> None:
        world.hardware.stuck = {"bin_left_joint": 0.4}
        with pytest.raises(CellFault, match="bin_left_joint") as caught:
            cell.reset(1)
        assert caught.value.reason is EndReason.BIN_JAM

    def test_a_stop_ends_the_wait_for_the_arm(
        self, begun: RosCell, world: World, task: Task
    ) -> None:
        world.hardware.silent = {"joint_states"}  # so that the step does not end by itself
        world.prober.abort.set()
        with pytest.raises(CellFault) as caught:
            begun.act(Action((0.0, 0.0, -0.02)))
        assert caught.value.reason is EndReason.STOPPED
        world.prober.abort.clear()
        world.hardware.silent = set()
        until(lambda: _begins(begun, task), "the arm to be free again")

    def test_an_arm_that_is_not_there_is_a_lost_node(
        self, world: World, workspace: Workspace
    ) -> None:
        prober = world.prober
        nobody = ActionClient(prober.node, ExecuteStep, "nobody/execute_step")
        clients = CellClients(nobody, nobody, nobody)
        frames = NewestFrames(CAMERAS, prober.abort)
        cell = RosCell(clients, frames, workspace, RunnerSettings(), prober.abort, lambda: None)
        with pytest.raises(CellFault, match="not there") as caught:
            cell.act(Action())
        prober.spinner.run(nobody.destroy)
        assert caught.value.reason is EndReason.NODE_LOST


def _acts(cell: RosCell) -> bool:
    try:
        cell.act(Action())
    except CellFault:
        return False
    return True


def _begins(cell: RosCell, task: Task) -> bool:
    try:
        cell.begin(task, 1)
    except CellFault:
        return False
    return True
