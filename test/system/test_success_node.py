"""The success node and its client: the truth graded, never an older one than asked."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from diagnostic_msgs.msg import KeyValue

from fakes.fake_cell import FakeCell
from fakes.ros_session import CELL, Prober, Spinner, managed, until
from mtopt_core.action import ActionBounds
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.scene import ObjectTruth, SceneTruth
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_msgs.msg import Heartbeat
from mtopt_msgs.msg import SceneTruth as SceneTruthMsg
from mtopt_msgs.srv import GradeOutcome
from mtopt_ros import convert
from mtopt_ros.qos import STATES
from mtopt_ros.remote import RemoteGrader
from mtopt_ros.success_node import SuccessNode

pytestmark = pytest.mark.system

S = 1_000_000_000


class Simulator:
    """Whoever publishes the truth."""

    def __init__(self, prober: Prober, workspace: Workspace, bounds: ActionBounds) -> None:
        self._topic = prober.node.create_publisher(SceneTruthMsg, "sim/truth", STATES)
        self._cell = FakeCell(workspace, bounds)

    def tell(self, stamp_ns: int, *, held: bool, put_back: tuple[str, ...] = ()) -> None:
        truth = self._cell.truth()
        height_m = 0.3 if held else 0.04
        carrot = ObjectTruth("carrot_1", "carrot", np.array([0.58, -0.16, height_m]), held)
        tool = truth.T_base_tool
        scene = SceneTruth(stamp_ns, (carrot,), truth.plate, tool, held, put_back)
        self._topic.publish(convert.scene_msg(scene))

    @property
    def heard(self) -> bool:
        return bool(self._topic.get_subscription_count() > 0)


@pytest.fixture
def simulator(
    spinner: Spinner, prober: Prober, workspace: Workspace, bounds: ActionBounds
) -> Simulator:
    simulator = Simulator(prober, workspace, bounds)
    spinner.add(managed(SuccessNode, "success", wait_s=0.4))
    prober.bring_up("success")
    until(lambda: simulator.heard, "the success node to listen")
    return simulator


@pytest.fixture
def grader(simulator: Simulator, prober: Prober) -> RemoteGrader:
    client = prober.client(GradeOutcome, "success/grade")
    return RemoteGrader(client, CELL, 20.0, prober.abort)


def test_the_truth_is_graded_for_every_task_in_order(
    simulator: Simulator, grader: RemoteGrader, registry: TaskRegistry
) -> None:
    simulator.tell(2 * S, held=True)
    grade = grader.grade("id", 2 * S)
    assert tuple(grade.success) == tuple(grade.probability) == registry.names
    assert grade.grader == "truth"
    assert [name for name, yes in grade.success.items() if yes] == ["lift-any", "lift-carrot"]
    assert all(grade.probability[name] == float(yes) for name, yes in grade.success.items())


def test_a_scene_older_than_asked_is_never_graded(
    simulator: Simulator, grader: RemoteGrader
) -> None:
    simulator.tell(2 * S, held=True)
    with pytest.raises(CellFault, match="sim/truth") as caught:
        grader.grade("id", 2 * S + 1)
    assert caught.value.reason is EndReason.GRADER_LOST


def test_what_was_put_back_is_told(simulator: Simulator, prober: Prober) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)

    def told(said: str) -> bool:
        return bool(beats) and KeyValue(key="put_back", value=said) in beats[-1].values

    simulator.tell(2 * S, held=False, put_back=("can", "milk"))
    until(lambda: told("can, milk"), "the heartbeat to say so")
    simulator.tell(3 * S, held=False)
    until(lambda: told(""), "the heartbeat after the next reset")


def test_a_newer_scene_is_waited_for(
    simulator: Simulator, prober: Prober, grader: RemoteGrader
) -> None:
    simulator.tell(2 * S, held=True)
    teller = threading.Timer(0.1, lambda: simulator.tell(3 * S, held=False))
    teller.start()
    grade = grader.grade("id", 2 * S + 5)
    teller.join()
    assert not any(grade.success.values())


def test_a_grader_that_is_not_there_is_a_fault_of_that_name(prober: Prober) -> None:
    client = prober.node.create_client(GradeOutcome, "nobody/grade")
    with pytest.raises(CellFault, match="not there") as caught:
        RemoteGrader(client, CELL, 1.0, prober.abort).grade("id", 0)
    assert caught.value.reason is EndReason.GRADER_LOST


def test_a_runner_that_stops_does_not_wait_for_the_grade(prober: Prober, spinner: Spinner) -> None:
    spinner.add(managed(SuccessNode, "success", wait_s=30.0))
    prober.bring_up("success")
    client = prober.client(GradeOutcome, "success/grade")
    stopper = threading.Timer(0.1, prober.abort.set)
    stopper.start()
    with pytest.raises(CellFault) as caught:
        RemoteGrader(client, CELL, 60.0, prober.abort).grade("id", 0)
    stopper.join()
    assert caught.value.reason is EndReason.STOPPED
