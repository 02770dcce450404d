"""Policy and grader behind services: the same contracts as the ones that run in-process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rclpy.client import Client

from mtopt_core.cell import CellFault, EndReason, PolicyLate
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.success import Grade
from mtopt_core.tasks import Task
from mtopt_msgs.srv import GradeOutcome, SelectAction

from . import convert
from .calls import Aborted, call
from .cell_time import WALL, CellTime
from .errors import CallFailed


class RemotePolicy:
    """The policy server's client. It decides on its own newest image, no older than ours."""

    def __init__(
        self,
        client: Client,
        cell: str,
        deadline_s: float,
        abort: threading.Event,
        episode_id: Callable[[], str] = str,
        cell_time: CellTime = WALL,
    ) -> None:
        self._client, self._cell, self._deadline_s = client, cell, deadline_s
        self._abort, self._episode_id, self._time = abort, episode_id, cell_time
        self._seed = 0
        self._step = 0
        self.late = 0  # decisions that did not come before their deadline, over all episodes

    def begin(self, task: Task, seed: int) -> None:
        """Open an episode: the first request carries step 0 and the seed."""
        del task
        self._seed, self._step = seed, 0

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The server's decision; CellFault if it cannot decide.

        PolicyLate if none came in time: one that comes later finds nobody, and the next question
        is of the same step.
        """
        request = SelectAction.Request(
            episode_id=self._episode_id(),
            cell=self._cell,
            task=task.name,
            seed=self._seed,
            step=self._step,
            not_before=convert.time_msg(observation.stamp_ns),
            deadline=self._deadline_s / self._time.pace,  # the server's clock is the wall's
            gripper_closed=observation.gripper_closed,
            gripper_height=observation.gripper_height_m,
            tool=convert.pose_msg(observation.T_base_tool),
        )
        try:
            response = call(self._client, request, self._deadline_s, self._abort, self._time)
        except Aborted as stopped:
            raise CellFault(EndReason.STOPPED, str(stopped)) from stopped
        except CallFailed as failed:
            self.late += 1
            raise PolicyLate(str(failed)) from failed
        if response.reason == EndReason.POLICY_TIMEOUT:
            self.late += 1
            raise PolicyLate(response.error)
        if not response.ok:
            raise CellFault(convert.end_reason(response.reason), response.error)
        self._step += 1
        return convert.decision(response)


class RemoteGrader:
    """The success node's client. It grades its own newest view, no older than `not_before`."""

    def __init__(
        self,
        client: Client,
        cell: str,
        wait_s: float,
        abort: threading.Event,
        cell_time: CellTime = WALL,
    ) -> None:
        self._client, self._cell, self._wait_s = client, cell, wait_s
        self._abort, self._time = abort, cell_time

    def grade(self, episode_id: str, not_before_ns: int) -> Grade:
        """The grade of the scene for every task; raises CellFault."""
        request = GradeOutcome.Request(
            episode_id=episode_id, cell=self._cell, not_before=convert.time_msg(not_before_ns)
        )
        try:
            response = call(self._client, request, self._wait_s, self._abort, self._time)
        except Aborted as stopped:
            raise CellFault(EndReason.STOPPED, str(stopped)) from stopped
        except CallFailed as failed:
            raise CellFault(EndReason.GRADER_LOST, str(failed)) from failed
        if not response.ok:
            raise CellFault(convert.end_reason(response.reason), response.error)
        return convert.grade(response.outcomes, response.grader)
