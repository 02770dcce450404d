"""Everybody whom a recorder listens to, and the runner that asks it to record."""

from __future__ import annotations

import time
from typing import Any

from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage, JointState

from fakes.ros_session import CELL, Prober
from mtopt_data.naming import EpisodeId
from mtopt_msgs.msg import CameraExtrinsics, EpisodeOutcome, EpisodeStep
from mtopt_msgs.srv import StartRecording, StopRecording
from mtopt_ros import convert
from mtopt_ros.qos import DRIVER, LATCHED, STATES
from mtopt_ros.recorded_topics import recorded_topics
from mtopt_ros.settings import CAMERAS


class Cell:
    """Everybody whom a recorder listens to."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._now_ns = 1_000_000_000
        node = prober.node
        self._topics: dict[str, tuple[type, Publisher]] = {}
        for topic in recorded_topics():
            kind = topic.type
            qos = {CameraExtrinsics: LATCHED, EpisodeStep: STATES, EpisodeOutcome: STATES}
            self._topics[topic.name] = (
                kind,
                node.create_publisher(kind, topic.name, qos.get(kind, DRIVER)),
            )
        latched = CameraExtrinsics(cameras=list(CAMERAS), calibration_hash="abc123")
        self._topics["camera/extrinsics"][1].publish(latched)

    def publisher(self, topic: str) -> Publisher:
        return self._topics[topic][1]

    def heard(self) -> bool:
        return all(topic.get_subscription_count() > 0 for _, topic in self._topics.values())

    def stream(self, rounds: int) -> None:
        """So many messages of every stream."""
        for _ in range(rounds):
            self._now_ns += 10_000_000
            for kind, topic in self._topics.values():
                if kind in (CameraInfo, CompressedImage, JointState):
                    message = kind()
                    message.header.stamp = convert.time_msg(self._now_ns)
                    if kind is CompressedImage:
                        message.data = bytes(500)
                    topic.publish(message)
            time.sleep(0.002)

    def step(self, index: int, episode_id: str, source: str = "scripted") -> None:
        step = EpisodeStep(episode_id=episode_id, cell=CELL, index=index, source=source)
        self._topics["episode/step"][1].publish(step)

    def outcome(
        self, episode_id: str, end_reason: str = "terminated", grader: str = "truth"
    ) -> EpisodeOutcome:
        outcome = EpisodeOutcome(
            episode_id=episode_id, cell=CELL, task="lift-any", end_reason=end_reason, grader=grader
        )
        self._topics["episode/outcome"][1].publish(outcome)
        return outcome


def new_id() -> str:
    return str(EpisodeId.new(CELL, time.time_ns()))


def begin(prober: Prober, episode_id: str) -> StartRecording.Response:
    request = StartRecording.Request(
        episode_id=episode_id, cell=CELL, task="lift-any", skill="lift", seed=5, operator_name="me"
    )
    return prober.ask(StartRecording, "recorder/start", request)


def end(
    prober: Prober, outcome: EpisodeOutcome, steps: int = 0, **given: Any
) -> StopRecording.Response:
    request = StopRecording.Request(
        episode_id=outcome.episode_id, steps=steps, outcome=outcome, **given
    )
    return prober.ask(StopRecording, "recorder/stop", request)
