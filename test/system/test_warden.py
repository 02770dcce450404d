"""The warden: brings nodes up in order, tells what is wrong, brings back what was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from std_srvs.srv import Trigger

from fakes.ros_processes import Process, start
from fakes.ros_session import CELL, FILES, Prober, Spinner, managed, until
from mtopt_msgs.msg import CellStatus, Heartbeat
from mtopt_ros.bin_node import BinNode
from mtopt_ros.lifecycle import CellNode
from mtopt_ros.qos import STATES
from mtopt_ros.success_node import SuccessNode
from mtopt_ros.warden_node import WardenNode

pytestmark = pytest.mark.system

NODES = ["bin", "success", "recorder"]
Begin = Callable[[str], Process]


class Arm(Node):
    """Hears when it is told to hold."""

    def __init__(self) -> None:
        super().__init__("arm_stand_in", namespace=f"/{CELL}", use_global_arguments=False)
        self.holds = 0
        self.create_service(Trigger, "arm/hold", self._on_hold)

    def _on_hold(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.holds += 1
        response.success = True
        return response


@pytest.fixture
def arm(spinner: Spinner) -> Arm:
    return spinner.add(Arm())


@pytest.fixture
def begin(prober: Prober, tmp_path: Path) -> Iterator[Begin]:
    """Processes of the product, ended whatever comes."""
    running: list[Process] = []

    def begin_process(name: str) -> Process:
        given = {"data": str(tmp_path / "data")} if name == "recorder" else {}
        running.append(start(name, tmp_path / "log", **given))
        return running[-1]

    yield begin_process
    for process in running:
        process.end()


def wardened(spinner: Spinner, **given: object) -> WardenNode:
    warden: WardenNode = spinner.add(managed(WardenNode, "warden", **given))
    spinner.run(warden.start)
    return warden


class Listener:
    """What the cell says of itself."""

    def __init__(self, prober: Prober) -> None:
        self.beats = prober.heard(Heartbeat, "heartbeat", STATES)
        self.statuses = prober.heard(CellStatus, "cell/status", STATES)
        self.diagnostics = prober.heard(DiagnosticArray, "/diagnostics", STATES)

    def up(self, *names: str) -> bool:
        states = {beat.node: beat.state for beat in self.beats}
        return all(states.get(name) == "active" for name in names)

    def first_active(self, *names: str) -> list[str]:
        order: list[str] = []
        for beat in self.beats:
            if beat.state == "active" and beat.node in names and beat.node not in order:
                order.append(beat.node)
        return order


def test_nodes_come_up_in_their_order_and_back_after_a_crash(
    begin: Begin, spinner: Spinner, prober: Prober, arm: Arm
) -> None:
    listener = Listener(prober)
    processes = {name: begin(name) for name in reversed(NODES)}
    wardened(spinner, nodes=NODES, silent_after_s=1.5)
    until(lambda: listener.up(*NODES), "all nodes up")
    assert listener.first_active(*NODES) == NODES
    until(lambda: listener.statuses, "a status")
    until(lambda: listener.statuses[-1].state == CellStatus.READY, "a cell that is ready")
    assert listener.statuses[-1].faults == [] and listener.statuses[-1].cell == CELL
    assert arm.holds == 0

    processes["success"].kill()
    until(lambda: listener.statuses[-1].faults, "the fault")
    assert listener.statuses[-1].state == CellStatus.FAULTED
    (fault,) = listener.statuses[-1].faults
    assert fault.startswith("success: node_lost")
    until(lambda: arm.holds == 1, "the arm told to hold")

    listener.beats.clear()
    processes["success"] = begin("success")
    until(lambda: listener.up("success"), "the node's return")
    until(lambda: listener.statuses[-1].state == CellStatus.READY, "a cell that is ready again")
    assert listener.statuses[-1].faults == [] and arm.holds == 1
    assert all(process.alive for process in processes.values())
    assert all(process.end() == 0 for process in processes.values())


def test_nobody_is_brought_up_before_who_comes_first(spinner: Spinner, prober: Prober) -> None:
    listener = Listener(prober)
    wardened(spinner, nodes=["bin", "success"])
    spinner.add(managed(SuccessNode, "success"))
    until(lambda: len(listener.statuses) > 2, "some statuses")
    assert {beat.state for beat in listener.beats if beat.node == "success"} <= {"unconfigured"}
    assert listener.statuses[-1].state == CellStatus.STARTING
    spinner.add(managed(BinNode, "bin"))
    until(lambda: listener.up("bin", "success"), "both up")
    assert listener.first_active("bin", "success") == ["bin", "success"]


def test_a_node_that_cannot_be_configured_is_told_and_tried_again(
    spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    listener = Listener(prober)
    tasks = tmp_path / "tasks.yaml"
    wardened(spinner, nodes=["success", "bin"])
    spinner.add(managed(SuccessNode, "success", tasks_file=str(tasks)))
    spinner.add(managed(BinNode, "bin"))
    until(lambda: listener.statuses and listener.statuses[-1].faults, "the fault")
    status = listener.statuses[-1]
    assert status.state == CellStatus.FAULTED and status.faults[0].startswith("success: ")
    assert str(tasks) in status.faults[0] and not listener.up("bin")

    def told() -> list[DiagnosticStatus]:
        latest = listener.diagnostics[-1].status if listener.diagnostics else []
        return [s for s in latest if s.name == f"{CELL}/success" and str(tasks) in s.message]

    (fault,) = until(told, "the diagnostics")
    assert fault.level == DiagnosticStatus.ERROR
    tasks.write_text(Path(FILES["tasks_file"]).read_text())
    until(lambda: listener.up("success", "bin"), "both up once the file is there")


def test_a_fault_of_a_node_is_the_cell_s_until_it_is_over(spinner: Spinner, prober: Prober) -> None:
    listener = Listener(prober)
    node: CellNode = spinner.add(managed(BinNode, "bin"))
    wardened(spinner, nodes=["bin"])
    until(lambda: listener.up("bin"), "the node up")
    spinner.run(lambda: node.health.fault("bin_jam", "free the hinge"))
    until(lambda: listener.statuses, "a status")
    until(lambda: listener.statuses[-1].faults == ["bin: bin_jam: free the hinge"], "the fault")
    assert listener.statuses[-1].state == CellStatus.FAULTED
    spinner.run(lambda: node.health.over("bin_jam"))
    until(lambda: listener.statuses[-1].faults == [], "the end of the fault")
    assert listener.statuses[-1].state == CellStatus.READY


def test_a_node_that_lost_its_configuration_gets_it_back(spinner: Spinner, prober: Prober) -> None:
    listener = Listener(prober)
    spinner.add(managed(BinNode, "bin"))
    wardened(spinner, nodes=["bin"])
    until(lambda: listener.up("bin"), "the node up")
    listener.beats.clear()
    assert prober.change("bin", "deactivate")
    until(lambda: listener.up("bin"), "the node up again")
