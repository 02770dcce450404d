"""The warden: brings nodes up in order, tells what is wrong, brings back what was lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from std_srvs.srv import Trigger

from fakes.ros_session import CELL, FILES, Prober, Spinner, managed, until
from mtopt_msgs.msg import CellStatus, Heartbeat
from mtopt_ros.bin_node import BinNode
from mtopt_ros.lifecycle import CellNode
from mtopt_ros.qos import LATCHED, STATES
from mtopt_ros.recorder_node import RecorderNode
from mtopt_ros.success_node import SuccessNode
from mtopt_ros.warden_node import WardenNode

pytestmark = pytest.mark.system

NODES = ["bin", "success", "recorder"]


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

    def told(self, node: str) -> str:
        """What the diagnostics say of a node."""
        latest = self.diagnostics[-1].status if self.diagnostics else []
        return next((str(s.message) for s in latest if s.name == f"{CELL}/{node}"), "")

    def first_active(self, *names: str) -> list[str]:
        order: list[str] = []
        for beat in self.beats:
            if beat.state == "active" and beat.node in names and beat.node not in order:
                order.append(beat.node)
        return order


def test_nodes_come_up_in_their_order_and_back_after_a_crash(
    spinner: Spinner, prober: Prober, arm: Arm, tmp_path: Path
) -> None:
    """Processes that die are in test_faults.py; here a node goes as suddenly."""
    listener = Listener(prober)
    kinds = {"recorder": RecorderNode, "success": SuccessNode, "bin": BinNode}
    data = {"recorder": {"data": str(tmp_path / "data")}}
    nodes = {
        name: spinner.add(managed(kind, name, **data.get(name, {}))) for name, kind in kinds.items()
    }
    wardened(spinner, nodes=NODES, silent_after_s=1.5)
    until(lambda: listener.up(*NODES), "all nodes up")
    assert listener.first_active(*NODES) == NODES
    until(lambda: listener.statuses, "a status")
    until(lambda: listener.statuses[-1].state == CellStatus.READY, "a cell that is ready")
    assert listener.statuses[-1].faults == [] and listener.statuses[-1].cell == CELL
    assert arm.holds == 0

    spinner.remove(nodes["success"])
    until(lambda: listener.statuses[-1].faults, "the fault")
    assert listener.statuses[-1].state == CellStatus.FAULTED
    (fault,) = listener.statuses[-1].faults
    assert fault.startswith("success: node_lost")
    until(lambda: arm.holds == 1, "the arm told to hold")
    until(lambda: listener.told("success").startswith("node_lost"), "the diagnostics")

    listener.beats.clear()
    spinner.add(managed(SuccessNode, "success"))
    until(lambda: listener.up("success"), "the node's return")
    until(lambda: listener.statuses[-1].state == CellStatus.READY, "a cell that is ready again")
    until(lambda: listener.told("success") == "ok", "the diagnostics' end of it")
    assert listener.statuses[-1].faults == [] and arm.holds == 1


def test_a_cell_that_waits_for_a_person_is_not_merely_faulted(
    spinner: Spinner, prober: Prober
) -> None:
    listener = Listener(prober)
    node: CellNode = spinner.add(managed(BinNode, "bin"))
    runner = prober.node.create_publisher(CellStatus, "runner/status", LATCHED)
    runner.publish(CellStatus(cell=CELL, state=CellStatus.PARKED))
    wardened(spinner, nodes=["bin"])
    until(lambda: listener.up("bin"), "the node up")
    spinner.run(lambda: node.health.fault("bin_jam", "free the hinge"))
    until(lambda: listener.statuses and listener.statuses[-1].faults, "the fault")
    assert listener.statuses[-1].state == CellStatus.PARKED


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
