"""A policy server under test: its cells' cameras, its store, and questions asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rclpy.task import Future
from sensor_msgs.msg import Image as ImageMsg

from fakes.fake_model import FAKE_CELL_IMAGE, manifest_of, write_fake
from fakes.ros_session import CELL, FILES, Prober, Spinner, managed, until
from mtopt_core.geometry import pose_tool_down
from mtopt_data import config_files
from mtopt_msgs.msg import Heartbeat
from mtopt_msgs.srv import LoadModel, SelectAction
from mtopt_ros import convert
from mtopt_ros.policy_node import PolicyNode
from mtopt_ros.qos import DRIVER, STATES

OTHER = "cell2"
S = 1_000_000_000
SERVICE = "policy/select_action"


class Server:
    """A policy node that serves two cells, in this process."""

    def __init__(self, spinner: Spinner, prober: Prober, **given: Any) -> None:
        self._prober = prober
        self.beats: list[Heartbeat] = prober.heard(Heartbeat, "heartbeat", STATES)
        topics = {cell: f"/{cell}/camera/overhead/image_raw" for cell in (CELL, OTHER)}
        self._cameras = {
            cell: prober.node.create_publisher(ImageMsg, topic, DRIVER)
            for cell, topic in topics.items()
        }
        cells = [CELL, OTHER]
        self.node: PolicyNode = spinner.add(managed(PolicyNode, "policy", cells=cells, **given))
        assert prober.change("policy", "configure")
        until(lambda: self.node.model_known, "a model")
        prober.bring_up("policy")
        until(self._heard, "the policy node to listen")

    def _heard(self) -> bool:
        return all(camera.get_subscription_count() > 0 for camera in self._cameras.values())

    def show(self, stamp_ns: int, cell: str = CELL, shade: int = 128) -> None:
        """An overhead image of one shade, of the fake model's camera; waits until it is there."""
        height, width = FAKE_CELL_IMAGE.camera_px
        pixels = np.full((height, width, 3), shade, np.uint8)
        self._cameras[cell].publish(convert.image_msg(pixels, stamp_ns, "camera"))
        frames = self.node._frames[cell]
        until(lambda: _stamp(frames) == stamp_ns, "the image")

    def ask(self, **given: Any) -> SelectAction.Response:
        """An answer."""
        return self._prober.ask(SelectAction, SERVICE, request(**given))

    def asking(self, **given: Any) -> Future:
        """A question that is answered some time."""
        return self._prober.client(SelectAction, SERVICE).call_async(request(**given))

    def load(self, version: str, name: str = "fake") -> LoadModel.Response:
        """What comes of loading a version."""
        asked = LoadModel.Request(name=name, version=version)
        return self._prober.ask(LoadModel, "policy/load_model", asked)

    @property
    def told(self) -> Heartbeat:
        """The newest heartbeat of the policy."""
        return [beat for beat in self.beats if beat.node == "policy"][-1]

    @property
    def values(self) -> dict[str, str]:
        """The figures of the newest heartbeat."""
        return {value.key: value.value for value in self.told.values}


def _stamp(frames: Any) -> int:
    newest = frames._newest["overhead"]
    return -1 if newest is None else int(newest.stamp_ns)


def request(not_before_ns: int = 0, closed: bool = False, **given: Any) -> SelectAction.Request:
    """A question of the test's cell, the tool over the right bin."""
    values = {"episode_id": "id", "cell": CELL, "task": "lift-any", "seed": 3} | given
    asked = SelectAction.Request(**values)
    asked.not_before = convert.time_msg(not_before_ns)
    asked.tool = convert.pose_msg(pose_tool_down(np.array([0.58, -0.16, 0.25]), 0.0))
    asked.gripper_height, asked.gripper_closed = 0.23, closed
    return asked


def add_model(store: Path, version: str, tasks: tuple[str, ...] = (), name: str = "fake") -> Path:
    """A good bundle of the fake model, for all tasks unless some are named."""
    names = tasks or config_files.tasks(FILES["tasks_file"]).names
    manifest = manifest_of(names, config_files.action_bounds(FILES["actions_file"]), name, version)
    return write_fake(store, manifest)
