"""A policy server's client whose camera shows just what the test has seen."""

from __future__ import annotations

from rclpy.publisher import Publisher

from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task
from mtopt_ros import convert
from mtopt_ros.remote import RemotePolicy


class ShownPolicy:
    """Publishes the image of an observation before it asks the policy."""

    def __init__(self, policy: RemotePolicy, camera: Publisher) -> None:
        self._policy, self._camera = policy, camera

    def begin(self, task: Task, seed: int) -> None:
        """As the policy."""
        self._policy.begin(task, seed)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """As the policy."""
        self._camera.publish(convert.image_msg(observation.image, observation.stamp_ns, "camera"))
        return self._policy(observation, task)
