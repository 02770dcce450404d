"""The runner over its own wires: what it tells people who are not in the room."""

from __future__ import annotations

import pytest

from fakes.ros_session import Prober, Spinner, managed, until
from mtopt_msgs.msg import Heartbeat
from mtopt_ros.qos import STATES
from mtopt_ros.runner_node import RunnerNode

pytestmark = pytest.mark.system


def test_picks_that_all_fail_have_somebody_look_into_the_bins(
    spinner: Spinner, prober: Prober
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    runner: RunnerNode = spinner.add(managed(RunnerNode, "runner", warn_after_picks=3))
    prober.bring_up("runner")
    for _ in range(2):
        runner._progress.picked(lifted=False)
    spinner.run(runner.told)
    assert not runner.health.warnings
    runner._progress.picked(lifted=False)
    until(lambda: beats and beats[-1].fault == "nothing_lifted", "the warning in the heartbeat")
    assert beats[-1].level == Heartbeat.WARN and "3 picks in a row" in beats[-1].message
    runner._progress.picked(lifted=True)
    until(lambda: beats[-1].level == Heartbeat.OK, "the end of the warning")
