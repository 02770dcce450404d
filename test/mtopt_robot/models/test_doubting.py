"""Past a model's limits the step falls back as configured, and whoever should know is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.policy_contract import RandomPolicyContract
from fakes.fake_model import ONE_THREAD, write_fake
from fakes.fake_policy import Playback
from mtopt_core.action import HOLD, Action, ActionBounds, Gripper
from mtopt_core.fallback import ASK, GO_ON, HOLDING, OFF, SCRIPT, Fallback, FallbackConfig
from mtopt_core.observation import Observation
from mtopt_core.schedule import LIFT
from mtopt_core.scripted import ScriptedPick
from mtopt_core.tasks import TaskRegistry
from mtopt_core.uncertainty import Doubt, Limits, Novelty
from mtopt_core.workspace import Workspace
from mtopt_robot.models.bundle import Bundle, Expected, check_bundle
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.doubting import Doubting, Intervention
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.q_policy import Considered, QPolicy

CLOSE = Action(gripper=Gripper.CLOSE)
AT_HOME = Novelty(np.full(3, 0.5, dtype=np.float32), 10 * np.eye(3, dtype=np.float32))
SURE = Limits(novelty=1e6, q_spread=1e6, decisions=20)


@pytest.fixture
def plain(store_folder: Path, manifest: Manifest, expected: Expected) -> Bundle:
    return check_bundle(write_fake(store_folder, manifest), expected, ONE_THREAD)


@pytest.fixture
def bundle(plain: Bundle) -> Bundle:
    """At home with grey images, whatever its values are like."""
    return limited(plain, replace(SURE, novelty=2.0))


def limited(bundle: Bundle, limits: Limits) -> Bundle:
    return replace(bundle, novelty=AT_HOME, manifest=replace(bundle.manifest, uncertainty=limits))


def seen(level: int) -> Observation:
    return Observation(np.full((8, 10, 3), level, dtype=np.uint8), False, 0.1, 77, np.eye(4))


def sources(bundle: Bundle, check: Doubting, registry: TaskRegistry, *levels: int) -> list[str]:
    policy, task = QPolicy(Decider(bundle), check), registry["lift-any"]
    policy.begin(task, 5)
    return [policy(seen(level), task).source for level in levels]


@pytest.mark.parametrize(
    ("mode", "odd"),
    [
        (OFF, "policy"),
        (HOLDING, "fallback:hold"),
        (SCRIPT, "fallback:scripted"),
        (ASK, "fallback:hold"),
    ],
)
def test_only_strange_images_fall_back_and_as_configured(
    bundle: Bundle, registry: TaskRegistry, mode: str, odd: str
) -> None:
    told: list[Intervention] = []
    fallback = Fallback({LIFT: Playback([CLOSE, CLOSE])})
    check = Doubting(fallback, FallbackConfig(mode), told=told.append)
    assert sources(bundle, check, registry, 128, 255, 120, 0) == ["policy", odd, "policy", odd]
    assert [one.doubt.past for one in told] == ([] if mode == OFF else [("novelty",)] * 2)
    if mode == SCRIPT:
        assert [one.done.action for one in told] == [CLOSE, CLOSE]


def test_unsettled_values_fall_back_too(bundle: Bundle, registry: TaskRegistry) -> None:
    unsettled = limited(bundle, replace(SURE, q_spread=0.0))
    told: list[Intervention] = []
    check = Doubting(Fallback({}), FallbackConfig(HOLDING), told=told.append)
    assert sources(unsettled, check, registry, 128) == ["fallback:hold"]
    assert told[0].doubt.past == ("q_spread",)
    assert told[0].considered.decision.source == "policy"
    assert told[0].done.q_spread == told[0].considered.decision.q_spread > 0.0


def test_a_model_that_was_not_calibrated_is_never_doubted(
    plain: Bundle, registry: TaskRegistry
) -> None:
    check = Doubting(Fallback({}), FallbackConfig(HOLDING))
    assert sources(plain, check, registry, 128, 255) == ["policy", "policy"]


def test_the_person_asked_decides(bundle: Bundle, registry: TaskRegistry) -> None:
    asked: list[tuple[Considered, Doubt]] = []
    answers = iter((GO_ON, SCRIPT, HOLDING))

    def ask(considered: Considered, doubt: Doubt) -> str:
        asked.append((considered, doubt))
        return next(answers)

    check = Doubting(Fallback({LIFT: Playback([CLOSE])}), FallbackConfig(ASK), ask)
    found = sources(bundle, check, registry, 255, 128, 255, 255)
    assert found == ["fallback:go_on", "policy", "fallback:scripted", "fallback:hold"]
    assert [doubt.past for _, doubt in asked] == [("novelty",)] * 3
    assert asked[0][0].task.name == "lift-any" and asked[0][0].decision.action != HOLD


class TestDoubtingPolicy(RandomPolicyContract):
    """A policy with a check is a policy, and its script's dice follow the seed."""

    @pytest.fixture
    def policy(self, bundle: Bundle, workspace: Workspace, bounds: ActionBounds) -> QPolicy:
        strange = limited(bundle, replace(SURE, novelty=0.0))
        fallback = Fallback({LIFT: ScriptedPick(workspace, bounds)})
        return QPolicy(Decider(strange), Doubting(fallback, FallbackConfig(SCRIPT)))
