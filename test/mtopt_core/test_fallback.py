"""What a step does where the network does not know, and that it is counted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fakes.fake_policy import Playback
from mtopt_core.action import HOLD, Action, Gripper
from mtopt_core.errors import CoreError
from mtopt_core.fallback import (
    ANSWERS,
    GO_ON,
    HOLDING,
    SCRIPT,
    Fallback,
    Interventions,
)
from mtopt_core.geometry import pose_tool_down
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task, TaskRegistry

SEEN = Observation(
    np.zeros((4, 4, 3), dtype=np.uint8), False, 0.2, 7, pose_tool_down(np.zeros(3), 0.0)
)
WANTED = Decision(Action((0.05, 0.0, 0.0)), "policy", 0.8, "m/1", 7, 0.01, 3.0, 0.5)
SCRIPTED = Action(gripper=Gripper.CLOSE)


@pytest.fixture
def lift(registry: TaskRegistry) -> Task:
    return registry["lift-any"]


@pytest.fixture
def fallback(lift: Task) -> Fallback:
    fallback = Fallback({lift.skill: Playback([SCRIPTED])})
    fallback.begin(lift, 1)
    return fallback


@pytest.mark.parametrize("answer", ANSWERS)
def test_scores_model_and_stamp_stay_and_the_source_says_what_stepped_in(
    fallback: Fallback, lift: Task, answer: str
) -> None:
    done = fallback.act(answer, WANTED, SEEN, lift)
    assert done.source == f"fallback:{answer}"
    kept = replace(done, action=WANTED.action, source=WANTED.source, q=WANTED.q)
    assert kept == WANTED
    assert done.action == {GO_ON: WANTED.action, HOLDING: HOLD, SCRIPT: SCRIPTED}[answer]
    # A value belongs to the action that it was computed for.
    assert math.isnan(done.q) == (answer != GO_ON)


def test_a_skill_without_a_script_holds(fallback: Fallback, registry: TaskRegistry) -> None:
    place = registry["place-any"]
    fallback.begin(place, 1)
    assert fallback.act(SCRIPT, WANTED, SEEN, place).source == "fallback:hold"


def test_an_answer_that_nobody_offered_is_refused(fallback: Fallback, lift: Task) -> None:
    with pytest.raises(CoreError, match="go_on, hold, scripted"):
        fallback.act("retreat", WANTED, SEEN, lift)


def test_interventions_are_told_by_kind() -> None:
    counted = Interventions()
    assert str(counted) == "0"
    counted.count("fallback:hold", ("novelty", "q_spread"))
    counted.count("fallback:hold", ("q_spread",))
    assert str(counted) == "2 (fallback:hold 2, novelty 1, q_spread 2)"
