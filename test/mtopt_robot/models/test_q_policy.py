"""The Q-function's policy: it keeps every policy's contract and finds what is known to be best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.policy_contract import RandomPolicyContract
from fakes.fake_cell import FakeCell
from fakes.fake_model import (
    ENDING,
    FAKE_CELL_IMAGE,
    ONE_THREAD,
    TASK_SHIFT,
    expected_q,
    manifest_of,
    write_fake,
)
from mtopt_core.action import HOLD, ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_core.episode import EpisodeLimits, Step, run_episode
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_robot.models.bundle import Bundle, Expected, check_bundle
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.errors import ImageMismatch, ModelError, TaskNotServed
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.q_policy import Considered, QPolicy

THOROUGH = CemConfig(samples=128, elites=10, rounds=8, min_spread=0.005)
Load = Callable[..., Bundle]


@pytest.fixture
def load(store_folder: Path, expected: Expected, bounds: ActionBounds) -> Load:
    """A checked bundle of the fake model, made to order."""

    def loaded(
        version: str = "1",
        tasks: tuple[str, ...] = expected.tasks,
        image: ImageFormat = FAKE_CELL_IMAGE,
    ) -> Bundle:
        manifest = manifest_of(tasks, bounds, version=version, image=image)
        return check_bundle(write_fake(store_folder, manifest), expected, ONE_THREAD)

    return loaded


def seen(middle: tuple[int, int, int], closed: bool = False) -> Observation:
    """An image of one colour in the part that is cropped, and of another beside it."""
    image = np.full((8, 10, 3), 255, dtype=np.uint8)
    image[:, 1:9] = middle
    return Observation(image, closed, 0.1, 77, np.eye(4))


class TestQPolicyContract(RandomPolicyContract):
    @pytest.fixture
    def policy(self, load: Load) -> QPolicy:
        return QPolicy(Decider(load()))


@pytest.mark.parametrize("middle", [(128, 128, 128), (200, 60, 140), (90, 170, 30)])
def test_the_known_best_motion_is_found(
    load: Load, registry: TaskRegistry, bounds: ActionBounds, middle: tuple[int, int, int]
) -> None:
    policy = QPolicy(Decider(load(), THOROUGH))
    for task in registry:
        policy.begin(task, 5)
        decision = policy(seen(middle), task)
        best = 2.0 * np.array(middle) / 255.0 - 1.0
        best[0] += TASK_SHIFT * task.index
        share = np.array(decision.action.delta_m) / bounds.delta_m
        assert np.allclose(share, best, atol=0.04)
        assert decision.q == pytest.approx(1.0, abs=0.01)


def test_a_decision_says_what_it_was_made_of(load: Load, registry: TaskRegistry) -> None:
    policy, task = QPolicy(Decider(load("7.2"))), registry["lift-can"]
    policy.begin(task, 0)
    decision = policy(seen((10, 20, 30)), task)
    assert (decision.source, decision.model) == ("policy", "fake/7.2")
    assert decision.image_stamp_ns == 77
    assert policy.last is not None
    assert policy.last.action == decision.action
    assert len(policy.last.rounds) == CemConfig().rounds
    assert max(turn.q.max() for turn in policy.last.rounds) == pytest.approx(decision.q)


def test_a_command_is_chosen_where_it_is_best(load: Load, registry: TaskRegistry) -> None:
    policy, task = QPolicy(Decider(load())), registry["lift-any"]
    policy.begin(task, 0)
    middle = (128, 128, 128)
    assert not policy(seen(middle), task).action.terminate
    decision = policy(seen(middle, closed=True), task)
    assert decision.action.terminate
    assert not decision.action.moves
    assert decision.q > ENDING


def test_the_one_hot_is_the_bundles_own(
    load: Load, registry: TaskRegistry, bounds: ActionBounds
) -> None:
    policy = QPolicy(Decider(load(tasks=("lift-carrot", "place-bottom"))))
    for own_index, task in enumerate((registry["lift-carrot"], registry["place-bottom"])):
        policy.begin(task, 0)
        policy(seen((128, 90, 60)), task)
        assert policy.last is not None
        first = policy.last.rounds[0]
        image = np.full((4, 4, 3), (128, 90, 60), dtype=np.uint8)
        state, actions = np.array([0.0, 0.1]), first.proposal.encoded(bounds)
        assert np.allclose(first.q, expected_q(image, own_index, state, actions), atol=1e-4)


def test_a_task_that_the_model_was_not_trained_on_is_refused_by_name(
    load: Load, registry: TaskRegistry
) -> None:
    policy = QPolicy(Decider(load(tasks=("lift-any", "lift-can"))))
    with pytest.raises(TaskNotServed, match=r"fake/1 .*'lift-box'.*lift-any, lift-can"):
        policy.begin(registry["lift-box"], 0)
    policy.begin(registry["lift-can"], 0)
    with pytest.raises(TaskNotServed):
        policy(seen((0, 0, 0)), registry["lift-box"])


def test_another_camera_mode_is_refused(load: Load, registry: TaskRegistry) -> None:
    policy, task = QPolicy(Decider(load())), registry["lift-any"]
    policy.begin(task, 0)
    wide = replace(seen((0, 0, 0)), image=np.zeros((8, 12, 3), dtype=np.uint8))
    with pytest.raises(ImageMismatch, match=r"\(8, 10, 3\)"):
        policy(wide, task)


def test_no_decision_before_an_episode_is_open(load: Load, registry: TaskRegistry) -> None:
    with pytest.raises(ModelError, match="begin"):
        QPolicy(Decider(load()))(seen((0, 0, 0)), registry["lift-any"])


def test_steps_and_tasks_draw_other_samples(load: Load, registry: TaskRegistry) -> None:
    policy, view = QPolicy(Decider(load())), seen((100, 100, 100))
    drawn = set()
    for task in (registry["lift-any"], registry["lift-can"]):
        policy.begin(task, 3)
        for _ in range(2):
            policy(view, task)
            assert policy.last is not None
            drawn.add(policy.last.rounds[0].proposal.motions.tobytes())
    assert len(drawn) == 4


def test_a_swap_within_an_episode_keeps_it_running(
    load: Load, registry: TaskRegistry, workspace: Workspace, bounds: ActionBounds
) -> None:
    decider, newer = Decider(load("1")), load("2")
    policy = QPolicy(decider)
    models: list[str] = []

    class SwapAfterThree:
        def started(self, *_: object) -> None: ...

        def stepped(self, step: Step) -> None:
            models.append(step.decision.model)
            if step.index == 2:
                decider.swap(newer)

        def ended(self, *_: object) -> None: ...

    cell, task = FakeCell(workspace, bounds), registry["lift-any"]
    cell.reset(1)
    limits = EpisodeLimits(max_steps=6)
    episode = run_episode(cell, policy, task, [SwapAfterThree()], limits, seed=1)
    assert episode.reason.ordinary
    assert models == ["fake/1"] * 3 + ["fake/2"] * 3
    alone = QPolicy(Decider(load("3")))
    played = run_episode(FakeCell(workspace, bounds), alone, task, [], limits, seed=1)
    drawn = [step.decision.action for step in episode.steps]
    # The seed's samples go on over the swap: the same networks under another name act the same.
    assert [step.decision.action for step in played.steps] == drawn


class Doubt:
    """Overrules a decision whose value is below a bound."""

    def __init__(self, bound: float) -> None:
        self.bound, self.opened = bound, [0]
        self.looked: list[Considered] = []

    def begin(self, task: Task, seed: int) -> None:
        self.opened = [seed]

    def __call__(self, considered: Considered) -> Decision:
        self.looked.append(considered)
        if considered.choice.q >= self.bound:
            return considered.decision
        return replace(considered.decision, action=HOLD, source="held")


def test_a_check_sees_every_decision_and_may_take_another(
    load: Load, registry: TaskRegistry
) -> None:
    task, view = registry["lift-any"], seen((128, 128, 128))
    sure, unsure = Doubt(-10.0), Doubt(11.0)
    decisions = []
    for doubt in (sure, unsure):
        policy = QPolicy(Decider(load(f"v{abs(doubt.bound)}")), doubt)
        policy.begin(task, 4)
        decisions.append(policy(view, task))
        assert doubt.opened == [4]
    assert decisions[0].source == "policy" and decisions[0] == sure.looked[0].decision
    assert (decisions[1].source, decisions[1].action) == ("held", HOLD)
    looked = unsure.looked[0]
    assert looked.observation is view and looked.task == task
    assert looked.choice.action == looked.decision.action == decisions[0].action
    assert looked.bundle.manifest.id == decisions[1].model
