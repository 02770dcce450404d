"""The policy node: decides on an image that is new enough, or says by name why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image as ImageMsg

from fakes.ros_session import CELL, Prober, Spinner, managed, until
from mtopt_core.cell import EndReason
from mtopt_core.geometry import pose_tool_down
from mtopt_msgs.srv import SelectAction
from mtopt_ros import convert
from mtopt_ros.policy_node import PolicyNode
from mtopt_ros.qos import DRIVER

pytestmark = pytest.mark.system

S = 1_000_000_000
OTHER = "cell2"


class Cameras:
    """The overhead cameras of two cells."""

    def __init__(self, prober: Prober) -> None:
        self._topics = {
            cell: prober.node.create_publisher(
                ImageMsg, f"/{cell}/camera/overhead/image_raw", DRIVER
            )
            for cell in (CELL, OTHER)
        }

    def show(self, stamp_ns: int, cell: str = CELL, encoding: str = "rgb8") -> None:
        message = convert.image_msg(np.zeros((48, 64, 3), np.uint8), stamp_ns, "camera")
        message.encoding = encoding
        self._topics[cell].publish(message)

    @property
    def heard(self) -> bool:
        return all(topic.get_subscription_count() > 0 for topic in self._topics.values())


@pytest.fixture
def cameras(spinner: Spinner, prober: Prober) -> Cameras:
    cameras = Cameras(prober)
    spinner.add(managed(PolicyNode, "policy", image_wait_s=0.4, cells=[CELL, OTHER]))
    prober.bring_up("policy")
    until(lambda: cameras.heard, "the policy node to listen")
    return cameras


def ask(prober: Prober, **given: Any) -> SelectAction.Response:
    values = {"episode_id": "id", "cell": CELL, "task": "lift-any", "seed": 3} | given
    stamp_ns = values.pop("not_before_ns", 0)
    request = SelectAction.Request(**values)
    request.not_before = convert.time_msg(stamp_ns)
    request.tool = convert.pose_msg(pose_tool_down(np.array([0.58, -0.16, 0.25]), 0.0))
    request.gripper_height = 0.23
    return prober.ask(SelectAction, "policy/select_action", request)


def test_a_decision_tells_its_image_and_its_source(cameras: Cameras, prober: Prober) -> None:
    cameras.show(2 * S)
    answer = ask(prober, not_before_ns=2 * S)
    assert answer.ok and answer.reason == "" and answer.source == "scripted"
    assert convert.stamp_ns(answer.image_stamp) == 2 * S
    assert answer.latency >= 0.0 and np.isnan(answer.q)


def test_no_image_older_than_asked_is_ever_decided_on(cameras: Cameras, prober: Prober) -> None:
    cameras.show(2 * S)
    answer = ask(prober, not_before_ns=2 * S + 1)
    assert not answer.ok and answer.reason == EndReason.CAMERA_FAULT
    assert "overhead" in answer.error
    cameras.show(3 * S)
    assert ask(prober, not_before_ns=2 * S + 1).ok


def test_the_image_of_another_cell_is_of_no_use(cameras: Cameras, prober: Prober) -> None:
    cameras.show(9 * S, cell=OTHER)
    answer = ask(prober, not_before_ns=1 * S)
    assert not answer.ok and answer.reason == EndReason.CAMERA_FAULT
    assert ask(prober, cell=OTHER, not_before_ns=1 * S).ok


def test_an_unknown_task_is_refused_with_the_known_ones(cameras: Cameras, prober: Prober) -> None:
    cameras.show(2 * S)
    answer = ask(prober, task="lift-elephant")
    assert not answer.ok and answer.reason == EndReason.COMMAND_REFUSED
    assert "lift-elephant" in answer.error and "lift-any" in answer.error


def test_an_unknown_cell_is_refused_with_the_served_ones(cameras: Cameras, prober: Prober) -> None:
    answer = ask(prober, cell="cell9")
    assert not answer.ok and answer.reason == EndReason.COMMAND_REFUSED
    assert "cell9" in answer.error and CELL in answer.error and OTHER in answer.error


def test_an_image_that_cannot_be_read_is_a_camera_fault(
    cameras: Cameras, prober: Prober, spinner: Spinner
) -> None:
    cameras.show(2 * S, encoding="mono8")
    answer = ask(prober, not_before_ns=2 * S)
    assert not answer.ok and answer.reason == EndReason.CAMERA_FAULT and "mono8" in answer.error
    cameras.show(3 * S)
    assert ask(prober, not_before_ns=3 * S).ok and spinner.error is None


def test_two_cells_have_an_episode_each(cameras: Cameras, prober: Prober) -> None:
    """Asked in turn, each gets what it would have got alone."""
    for cell in (CELL, OTHER):
        cameras.show(2 * S, cell=cell)

    def play(*cells: str) -> dict[str, list[Any]]:
        played: dict[str, list[Any]] = {cell: [] for cell in cells}
        for step in range(5):
            for cell in cells:
                seed = 3 + len(cell) + ord(cell[-1])
                answer = ask(prober, cell=cell, step=step, seed=seed, episode_id=cell)
                played[cell].append(convert.action(answer.action))
        return played

    together = play(CELL, OTHER)
    assert play(CELL) | play(OTHER) == together
    assert together[CELL] != together[OTHER]
