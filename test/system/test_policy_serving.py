"""Several cells and one network: batches, deadlines, and images that go on arriving meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import best_motion
from fakes.ros_policies import OTHER, S, Server, add_model
from fakes.ros_session import CELL, PATIENCE_S, Prober, Spinner, until
from mtopt_core.cell import EndReason
from mtopt_core.cem import CemConfig, Choice
from mtopt_msgs.msg import CemRun
from mtopt_robot.models.bundle import Bundle
from mtopt_robot.models.decide import Asked, decide
from mtopt_ros import convert, convert_policy
from mtopt_ros.qos import STATES

pytestmark = pytest.mark.system

ON_POLICY = {"scripted": 0.0, "on_policy": 1.0}


@pytest.fixture
def serve(spinner: Spinner, prober: Prober, tmp_path: Path) -> Callable[..., Server]:
    def served(**given: object) -> Server:
        add_model(tmp_path / "models", "1")
        options = {"models": str(tmp_path / "models"), "mix": ON_POLICY, "image_wait_s": 0.4}
        return Server(spinner, prober, **(options | given))

    return served


class Busy:
    """Makes a server's network wait for leave, and notes the size of every batch."""

    def __init__(self, server: Server) -> None:
        self.leave = threading.Event()
        self.batches: list[int] = []
        self.stamps: list[int] = []
        decider = server.node._serving.decider
        assert decider is not None
        decider._decide = self._decide
        self.decider = decider

    def _decide(self, bundle: Bundle, asked: Sequence[Asked], cem: CemConfig) -> list[Choice]:
        self.batches.append(len(asked))
        self.stamps += [each.observation.stamp_ns for each in asked]
        assert self.leave.wait(PATIENCE_S)
        return decide(bundle, asked, cem)


def test_cells_that_wait_are_decided_together_while_images_and_heartbeats_go_on(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    for cell in (CELL, OTHER):
        server.show(2 * S, cell, shade=60 if cell == CELL else 200)
    busy = Busy(server)
    first = server.asking(cell=CELL, episode_id="a")
    until(lambda: busy.batches == [1], "the network at work")
    # More of one cell than it has threads, and one of the other: they wait for the network.
    others = [server.asking(cell=OTHER, episode_id="b")]
    until(lambda: len(busy.decider._waiting) == 1, "a cell that waits")
    beats = len(server.beats)
    for second in range(3, 6):  # each is waited for: nothing stands behind the network
        server.show(second * S)
        server.show(second * S, OTHER)
    until(lambda: len(server.beats) > beats, "a heartbeat")
    assert not first.done() and not others[0].done()
    busy.leave.set()
    until(lambda: first.done() and others[0].done(), "the answers")
    assert busy.batches == [1, 1] and busy.stamps == [2 * S, 2 * S]
    assert first.result().ok and others[0].result().ok
    assert first.result().action != others[0].result().action

    # Now both wait at once behind a third question, so both are in one batch.
    busy.leave.clear()
    busy.batches.clear()
    blocker = threading.Thread(target=lambda: busy.decider(_question(server)))
    blocker.start()
    until(lambda: busy.batches == [1], "the network at work")
    waiting = [server.asking(cell=cell, episode_id=cell, step=1) for cell in (CELL, OTHER)]
    until(lambda: len(busy.decider._waiting) == 2, "two cells that wait")
    busy.leave.set()
    until(lambda: all(each.done() for each in waiting), "the answers")
    blocker.join(PATIENCE_S)
    assert busy.batches == [1, 2]
    until(lambda: server.values.get("largest_batch") == "2", "the batch in the diagnostics")


def _question(server: Server) -> Asked:
    from mtopt_core.observation import Observation

    seen = Observation(np.zeros((8, 10, 3), np.uint8), False, 0.1, 0, np.eye(4))
    return Asked(seen, server.node._tasks["lift-any"], np.random.default_rng(0))


def test_the_newest_image_after_the_motion_is_the_one_decided_on(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    for second in (2, 3, 4):
        server.show(second * S)
    answer = server.ask(not_before_ns=2 * S + 1)
    assert convert.stamp_ns(answer.image_stamp) == 4 * S
    pending = server.asking(not_before_ns=5 * S, step=1)
    server.show(5 * S - 1)
    server.show(5 * S + 7)
    until(pending.done, "the answer")
    assert convert.stamp_ns(pending.result().image_stamp) == 5 * S + 7


def test_nothing_is_begun_after_the_deadline_and_all_is_counted(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    for cell in (CELL, OTHER):
        server.show(2 * S, cell)
    busy = Busy(server)
    slow = server.asking(cell=CELL, deadline=0.05)
    until(lambda: busy.batches == [1], "the network at work")
    behind = server.asking(cell=CELL, deadline=0.05, step=1)
    other = server.asking(cell=OTHER, deadline=0.05)
    until(lambda: len(busy.decider._waiting) == 1, "a cell that waits")
    threading.Event().wait(0.1)
    busy.leave.set()
    until(lambda: all(each.done() for each in (slow, behind, other)), "the answers")
    assert slow.result().ok  # it was at work already: computed, and late
    for late in (behind, other):
        assert not late.result().ok and late.result().reason == EndReason.POLICY_TIMEOUT
    assert busy.batches == [1]
    wanted = {"decisions": "1", "late": "1", "not_begun": "2", "refused": "0"}
    until(lambda: wanted.items() <= server.values.items(), "the counts in the diagnostics")
    assert server.ask(cell=OTHER, deadline=20.0).ok


def test_the_rounds_of_a_decision_are_told_where_asked_for(
    serve: Callable[..., Server], prober: Prober
) -> None:
    server = serve(publish_cem=True, mixes=[f"{OTHER}=1,0,0"])
    runs = {cell: prober.heard(CemRun, f"/{cell}/policy/cem", STATES) for cell in (CELL, OTHER)}
    topic = server.node._cem_topics[CELL]
    until(lambda: topic.get_subscription_count() == 1, "the topic")
    for cell in (OTHER, CELL):
        server.show(2 * S, cell, shade=90)
        answer = server.ask(cell=cell, episode_id="e", step=4)
    until(lambda: runs[CELL], "the rounds")
    assert runs[OTHER] == []  # a script has none
    (run,) = runs[CELL]
    assert (run.cell, run.episode_id, run.task, run.step) == (CELL, "e", "lift-any", 4)
    assert run.model == "fake/1" and convert.stamp_ns(run.header.stamp) == 2 * S
    assert run.chosen == answer.action and run.q == answer.q
    choice = convert_policy.choice(run)
    assert len(choice.rounds) == CemConfig().rounds
    best = np.array(best_motion(np.full((4, 4, 3), 90), 0))
    for done in choice.rounds:
        motions = done.proposal.motions[done.elites]
        assert done.q.shape == (CemConfig().samples,) and len(done.elites) == CemConfig().elites
        assert np.all(done.q[done.elites] >= np.median(done.q))
    share = motions[:, :3] / server.node._bounds.delta_m
    assert np.abs(share.mean(axis=0) - best).max() < 0.3


def test_rounds_are_not_told_unless_asked_for(serve: Callable[..., Server]) -> None:
    server = serve()
    assert server.node._cem_topics == {}


def test_a_mix_of_a_cell_not_served_is_refused(spinner: Spinner, prober: Prober) -> None:
    from fakes.ros_session import managed
    from mtopt_msgs.msg import Heartbeat
    from mtopt_ros.policy_node import PolicyNode

    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    spinner.add(managed(PolicyNode, "policy", mixes=["cell9=1,0,0"]))
    assert not prober.change("policy", "configure")
    until(lambda: beats and "cell9" in beats[-1].message and CELL in beats[-1].message, "the fault")


def test_a_server_that_is_taken_down_lets_go_of_its_threads(
    serve: Callable[..., Server], prober: Prober
) -> None:
    server = serve(image_wait_s=30.0)
    server.show(2 * S)
    assert server.ask().ok
    assert any("decide-" in each.name for each in threading.enumerate())
    pending = server.asking(not_before_ns=9 * S)  # waits for an image that never comes
    assert prober.change("policy", "deactivate", "cleanup")
    names = ("decide-", "model")
    until(
        lambda: not any(each.name.startswith(names) for each in threading.enumerate()),
        "the threads to end",
        patience_s=10.0,
    )
    assert not pending.done()
