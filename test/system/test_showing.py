"""What a real Foxglove client gets of a running cell: topics, schemas, and messages as sent."""

from __future__ import annotations

import json
import re
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fakes.ros_session import domain_id

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = ROOT / "config" / "foxglove" / "cell.json"
_MESSAGE = struct.Struct("<BIQ")  # opcode, subscription, time


class FoxgloveClient:
    """Speaks the protocol of the WebSocket, as the app does."""

    def __init__(self, port: int) -> None:
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol

        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(f"ws://127.0.0.1:{port}", subprotocols=[Subprotocol("foxglove.sdk.v1")])
        )
        self.channels: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, list[bytes]] = {}
        self._topics: list[str] = []

    def __enter__(self) -> FoxgloveClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def subscribe(self, topic: str) -> None:
        wanted = {"id": len(self._topics), "channelId": self.channels[topic]["id"]}
        self._topics.append(topic)
        self._socket.send(json.dumps({"op": "subscribe", "subscriptions": [wanted]}))

    def unsubscribe(self, topic: str) -> None:
        number = self._topics.index(topic)
        self._socket.send(json.dumps({"op": "unsubscribe", "subscriptionIds": [number]}))

    def read(self, until: Any, seconds: float = 20.0) -> None:
        """Take what comes until a condition holds."""
        end_s = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end_s, (sorted(self.channels), self.messages.keys())
            try:
                self._take(self._socket.recv(timeout=0.2))
            except TimeoutError:
                continue

    def _take(self, frame: str | bytes) -> None:
        if isinstance(frame, str):
            told = json.loads(frame)
            if told["op"] == "advertise":
                self.channels |= {channel["topic"]: channel for channel in told["channels"]}
        elif frame[0] == 1:
            _, subscription, _ = _MESSAGE.unpack_from(frame)
            topic = self._topics[subscription]
            self.messages.setdefault(topic, []).append(frame[_MESSAGE.size :])


@pytest.fixture
def showing(ros: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from mtopt_ros.showing import Showing

    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain_id()))
    made = Showing("127.0.0.1", 0, ("cell1",))
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop.is_set,))
    thread.start()
    yield made
    stop.set()
    thread.join()
    made.close()


def waits_for(condition: Any, seconds: float = 10.0) -> bool:
    end_s = time.monotonic() + seconds
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.05)
    return bool(condition())


def test_a_client_gets_what_it_looks_at_and_nothing_else_is_listened_to(
    showing: Any, spinner: Any
) -> None:
    from rclpy.node import Node
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import CompressedImage, JointState

    from mtopt_msgs.msg import CellStatus
    from mtopt_ros.qos import DRIVER, LATCHED

    node = spinner.add(Node("hardware", namespace="cell1"))
    joints = node.create_publisher(JointState, "joint_states", DRIVER)
    image = node.create_publisher(CompressedImage, "camera/left/image_raw/compressed", DRIVER)
    status = node.create_publisher(CellStatus, "cell/status", LATCHED)
    other = spinner.add(Node("hardware", namespace="cell2"))
    other.create_publisher(JointState, "joint_states", DRIVER)
    status.publish(CellStatus(cell="cell1", state="paused"))
    sent = JointState(name=["a"], position=[0.25])

    def publish() -> None:
        joints.publish(sent)
        image.publish(CompressedImage(format="jpeg", data=b"\xff\xd8" * 500))

    node.create_timer(0.05, publish)
    seen, told = "/cell1/camera/left/image_raw/compressed", "/cell1/cell/status"
    with FoxgloveClient(showing.port) as client:
        client.read(lambda: {"/cell1/joint_states", seen, told} <= set(client.channels))
        assert not any(topic.startswith("/cell2/") for topic in client.channels)
        channel = client.channels["/cell1/joint_states"]
        assert (channel["encoding"], channel["schemaName"]) == ("cdr", "sensor_msgs/msg/JointState")
        assert "float64[] position" in channel["schema"]
        assert showing.listening == ()
        for topic in ("/cell1/joint_states", seen, told):
            client.subscribe(topic)
        client.read(lambda: {"/cell1/joint_states", seen, told} <= set(client.messages))
        assert deserialize_message(client.messages["/cell1/joint_states"][0], JointState) == sent
        picture = deserialize_message(client.messages[seen][0], CompressedImage)
        assert bytes(picture.data) == b"\xff\xd8" * 500
        assert deserialize_message(client.messages[told][0], CellStatus).state == "paused"
        client.unsubscribe(seen)
        assert waits_for(lambda: seen not in showing.listening)
    assert waits_for(lambda: showing.listening == ())


def test_a_port_that_is_taken_is_said(showing: Any) -> None:
    from mtopt_ros.showing import Showing

    with pytest.raises(OSError, match=str(showing.port)):
        Showing("127.0.0.1", showing.port)


def test_every_topic_of_the_layout_is_one_that_a_cell_has() -> None:
    from mtopt_ros.recorded_topics import recorded_topics

    named = set(re.findall(r'"(/[a-z0-9_/]+)', LAYOUT.read_text()))
    cell = {f"/cell1/{topic.name}" for topic in recorded_topics()} | {"/cell1/cell/status"}
    assert named
    assert named <= cell | {"/diagnostics", "/fleet/status"}
