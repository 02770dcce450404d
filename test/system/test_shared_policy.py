"""One policy server for two cells: it dies, both episodes end by name, and it comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sensor_msgs.msg import Image as ImageMsg

from fakes.fake_cell import FakeCell
from fakes.ros_policies import OTHER, add_model
from fakes.ros_policy import ShownPolicy
from fakes.ros_processes import Process, start
from fakes.ros_session import CELL, PATIENCE_S, Prober, Spinner, managed, until
from mtopt_core.action import ActionBounds
from mtopt_core.cell import CellFault, EndReason, PolicyLate
from mtopt_core.episode import Episode, EpisodeLimits, Step, run_episode
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_msgs.msg import CellStatus, Heartbeat
from mtopt_msgs.srv import SelectAction
from mtopt_ros.qos import DRIVER, STATES
from mtopt_ros.remote import RemotePolicy
from mtopt_ros.warden_node import WardenNode

pytestmark = pytest.mark.system

SERVICE = "/fleet/policy/select_action"
LIMITS = EpisodeLimits(max_steps=8, max_late=1)


class PlayedCell(threading.Thread):
    """A cell's episode; at its third step it does what the test wants."""

    def __init__(
        self, cell: FakeCell, policy: ShownPolicy, task: Task, third: object = lambda: None
    ) -> None:
        super().__init__(daemon=True)
        self._play = (cell, policy, task)
        self._third = third
        self.episode: Episode | None = None
        self.start()

    def run(self) -> None:
        cell, policy, task = self._play
        cell.reset(1)
        self.episode = run_episode(cell, policy, task, [self], LIMITS, seed=5)

    def started(self, *_: object) -> None: ...

    def stepped(self, step: Step) -> None:
        if step.index == 2:
            self._third()  # type: ignore[operator]

    def ended(self, *_: object) -> None: ...

    @property
    def done(self) -> Episode:
        self.join(PATIENCE_S)
        assert self.episode is not None
        return self.episode


@pytest.fixture
def running() -> Iterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.end()


def test_a_killed_server_ends_both_episodes_by_name_and_serves_again(
    running: list[Process],
    prober: Prober,
    spinner: Spinner,
    tmp_path: Path,
    registry: TaskRegistry,
    workspace: Workspace,
    bounds: ActionBounds,
) -> None:
    add_model(tmp_path / "models", "1")
    cells, task = (CELL, OTHER), registry["lift-any"]

    def server() -> Process:
        given: dict[str, Any] = {
            "models": str(tmp_path / "models"),
            "mix": {"scripted": 0.0, "on_policy": 1.0},
        }
        given["image_wait_s"] = 0.3
        process = start("policy", tmp_path, namespace="fleet", cells=list(cells), **given)
        running.append(process)
        return process

    first = server()
    running.append(start("warden", tmp_path, namespace="fleet", nodes=["policy"]))
    leaning = spinner.add(
        managed(WardenNode, "warden", nodes=["camera"], needs=["fleet/policy"], silent_after_s=1.5)
    )
    spinner.run(leaning.start)
    statuses: list[CellStatus] = prober.heard(CellStatus, "cell/status", STATES)
    beats: list[Heartbeat] = prober.heard(Heartbeat, "/fleet/heartbeat", STATES)
    client = prober.client(SelectAction, SERVICE)

    def up() -> bool:
        known = [beat for beat in beats if beat.node == "policy"]
        return bool(known) and known[-1].state == "active"

    until(up, "the server up")

    def policy(cell: str) -> ShownPolicy:
        topic = f"/{cell}/camera/overhead/image_raw"
        camera = prober.node.create_publisher(ImageMsg, topic, DRIVER)
        until(lambda: camera.get_subscription_count() > 0, f"a listener of {topic}")
        shown = ShownPolicy(RemotePolicy(client, cell, 0.7, prober.abort), camera)
        until(lambda: sees(shown), "an image that arrives")
        return shown

    def sees(shown: ShownPolicy) -> bool:
        """A camera knows its listener before it is known itself: what it then shows is lost."""
        shown.begin(task, 0)
        try:
            return bool(shown(FakeCell(workspace, bounds).observe(), task).source)
        except (PolicyLate, CellFault):
            return False

    def play(*third: object) -> list[Episode]:
        players = [
            PlayedCell(FakeCell(workspace, bounds), policy(cell), task, act)
            for cell, act in zip(cells, third, strict=True)
        ]
        return [player.done for player in players]

    both_at_it = threading.Barrier(2, timeout=PATIENCE_S)
    killed = threading.Event()

    def kill() -> None:
        both_at_it.wait()
        first.kill()
        killed.set()

    def stand_by() -> None:
        both_at_it.wait()
        killed.wait(PATIENCE_S)

    ended = play(kill, stand_by)
    for episode in ended:
        assert episode.reason is EndReason.POLICY_TIMEOUT and len(episode.steps) >= 3
        assert [step.decision.model for step in episode.steps[:3]] == ["fake/1"] * 3
        assert "late" in episode.message
    lost = "fleet/policy: node_lost"
    until(lambda: any(lost in fault for s in statuses for fault in s.faults), "the fault")

    beats.clear()
    server()
    until(up, "the server's return")
    nothing = (lambda: None, lambda: None)
    until(lambda: all(e.reason.ordinary for e in play(*nothing)), "episodes that go on")
    until(lambda: lost not in " ".join(statuses[-1].faults), "the end of the fault")
