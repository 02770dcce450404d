"""Who acts: the shares of the mix, the rate of random steps, scripts where no network is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fakes.fake_cell import FakeCell
from fakes.fake_policy import Playback
from mtopt_core.action import Action, ActionBounds, Gripper
from mtopt_core.cell import PolicyLate
from mtopt_core.errors import ConfigError, CoreError
from mtopt_core.exploration import (
    EPSILON,
    POLICY,
    SCRIPTED,
    EpsilonGreedy,
    ExplorationMix,
    MixConfig,
    mix_of,
    random_action,
    task_mixes,
    words_of,
)
from mtopt_core.observation import Observation
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace

GREEDY = Action((0.01, 0.02, 0.03))


@pytest.fixture
def seen(workspace: Workspace, bounds: ActionBounds) -> Observation:
    return FakeCell(workspace, bounds).observe()


@pytest.fixture
def task(registry: TaskRegistry) -> Task:
    return registry["lift-any"]


def greedy(steps: int = 4000) -> Playback:
    return Playback([GREEDY] * steps, POLICY)


def scripts() -> dict[str, Playback]:
    return {
        "lift": Playback([Action((0.0, 0.0, -0.01))] * 50, "scripted lift"),
        "place": Playback([Action((0.0, 0.01, 0.0))] * 50, "scripted place"),
    }


def who(mix: ExplorationMix, task: Task, seed: int, seen: Observation) -> str:
    mix.begin(task, seed)
    decisions = [mix(seen, task) for _ in range(4)]
    sources = {decision.source for decision in decisions}
    return EPSILON if EPSILON in sources else sources.pop()


def test_random_actions_are_within_bounds_and_never_end(bounds: ActionBounds) -> None:
    rng = np.random.default_rng(0)
    drawn = [random_action(bounds, rng) for _ in range(3000)]
    assert all(bounds.clamp(action) == action for action in drawn)
    assert not any(action.terminate for action in drawn)
    kinds = Counter(action.gripper for action in drawn)
    assert kinds[Gripper.OPEN] / len(drawn) == pytest.approx(0.1, abs=0.02)
    assert kinds[Gripper.CLOSE] / len(drawn) == pytest.approx(0.1, abs=0.02)
    assert all(not action.moves for action in drawn if action.gripper is not Gripper.KEEP)
    motions = np.array([[*a.delta_m, a.yaw_rad] for a in drawn if a.gripper is Gripper.KEEP])
    assert np.all(np.ptp(motions, axis=0) > 1.9 * bounds.high)
    assert np.all(np.abs(motions.mean(axis=0)) < 0.1 * bounds.high)


@pytest.mark.parametrize("epsilon", [0.0, 0.2, 0.7, 1.0])
def test_random_steps_come_at_the_rate_epsilon(
    epsilon: float, task: Task, seen: Observation, bounds: ActionBounds
) -> None:
    policy = EpsilonGreedy(greedy(), bounds, epsilon)
    policy.begin(task, 3)
    decisions = [policy(seen, task) for _ in range(3000)]
    rate = sum(decision.source == EPSILON for decision in decisions) / len(decisions)
    assert rate == pytest.approx(epsilon, abs=0.03)
    for decision in decisions:
        assert (decision.source == EPSILON) == np.isnan(decision.q)
        assert (decision.source == POLICY) == (decision.action == GREEDY)


def test_a_late_greedy_policy_is_late(task: Task, seen: Observation, bounds: ActionBounds) -> None:
    policy = EpsilonGreedy(Playback([PolicyLate("no answer")]), bounds, 0.0)
    policy.begin(task, 0)
    with pytest.raises(PolicyLate):
        policy(seen, task)


def test_nobody_is_asked_for_a_random_step(
    task: Task, seen: Observation, bounds: ActionBounds
) -> None:
    policy = EpsilonGreedy(Playback([PolicyLate("was asked")]), bounds, 1.0)
    policy.begin(task, 0)
    decision = policy(seen, task)
    assert (decision.source, decision.model) == (EPSILON, "")
    assert decision.image_stamp_ns == seen.stamp_ns


@pytest.mark.parametrize(
    ("words", "mix"),
    [
        ("1,0,0", MixConfig(1.0, 0.0, 0.0)),
        ("0, 2.5, 1", MixConfig(0.0, 2.5, 1.0)),
        ("0.1,0.4,0.5,0.05", MixConfig(0.1, 0.4, 0.5, 0.05)),
    ],
)
def test_a_mix_may_be_written_in_words(words: str, mix: MixConfig) -> None:
    assert mix_of(words, "here") == mix


@pytest.mark.parametrize(
    "words", ["", "1", "1,2", "1,2,3,0.1,5", "1,b,0", "0,0,0", "1,-1,0", "nan,1,1"]
)
def test_words_that_are_no_mix_are_refused(words: str) -> None:
    with pytest.raises(ConfigError, match="here"):
        mix_of(words, "here")


def test_the_mix_keeps_its_shares_over_many_seeds(
    task: Task, seen: Observation, bounds: ActionBounds
) -> None:
    config = MixConfig(scripted=1.0, epsilon_greedy=2.0, on_policy=1.0, epsilon=0.999)
    mix = ExplorationMix(scripts(), greedy(), bounds, config)
    count = 2000
    shares = Counter(who(mix, task, seed, seen) for seed in range(count))
    assert shares["scripted lift"] / count == pytest.approx(0.25, abs=0.04)
    assert shares[EPSILON] / count == pytest.approx(0.50, abs=0.04)
    assert shares[POLICY] / count == pytest.approx(0.25, abs=0.04)


def test_an_episode_has_one_policy_throughout(
    task: Task, seen: Observation, bounds: ActionBounds
) -> None:
    mix = ExplorationMix(scripts(), greedy(), bounds, MixConfig(1.0, 0.0, 1.0))
    for seed in range(50):
        mix.begin(task, seed)
        assert len({mix(seen, task).source for _ in range(5)}) == 1


def test_without_a_network_only_scripts_act(
    registry: TaskRegistry, seen: Observation, bounds: ActionBounds
) -> None:
    for config in (MixConfig(0.0, 1.0, 1.0), MixConfig(0.1, 5.0, 5.0), MixConfig(0.0, 0.0, 0.0)):
        mix = ExplorationMix(scripts(), None, bounds, config)
        for seed in range(50):
            assert who(mix, registry["lift-box"], seed, seen) == f"{SCRIPTED} lift"
            assert who(mix, registry["place-any"], seed, seen) == f"{SCRIPTED} place"


def test_a_mix_of_one_kind_is_that_kind(
    task: Task, seen: Observation, bounds: ActionBounds
) -> None:
    mix = ExplorationMix(scripts(), greedy(), bounds, MixConfig(0.0, 0.0, 3.0))
    assert {who(mix, task, seed, seen) for seed in range(50)} == {POLICY}


def test_the_same_seed_draws_the_same_policy(
    task: Task, seen: Observation, bounds: ActionBounds
) -> None:
    mix = ExplorationMix(scripts(), greedy(), bounds, MixConfig(1.0, 1.0, 1.0))
    drawn = [who(mix, task, seed, seen) for seed in range(30)]
    assert drawn == [who(mix, task, seed, seen) for seed in range(30)]


def test_a_decision_before_begin_and_a_skill_without_script_are_refused(
    task: Task, registry: TaskRegistry, seen: Observation, bounds: ActionBounds
) -> None:
    with pytest.raises(CoreError, match="begin"):
        ExplorationMix(scripts(), None, bounds)(seen, task)
    only_lift = ExplorationMix({"lift": Playback()}, None, bounds)
    with pytest.raises(CoreError, match=r"'place' of place-any.*lift"):
        only_lift.begin(registry["place-any"], 0)


def test_a_task_may_have_a_mix_of_its_own(
    bounds: ActionBounds, seen: Observation, registry: TaskRegistry
) -> None:
    config = mix_of("1,0,0;lift-can=0,0,1", "here")
    assert config == MixConfig(1.0, 0.0, 0.0, by_task=("lift-can=0,0,1",))
    assert mix_of(words_of(config), "there") == config
    by_task = task_mixes(config, "here", registry.names)
    assert by_task == {"lift-can": MixConfig(0.0, 0.0, 1.0)}
    mix = ExplorationMix(scripts(), greedy(), bounds, config, by_task)
    for task, source in (("lift-can", POLICY), ("lift-box", "scripted lift")):
        assert {who(mix, registry[task], seed, seen) for seed in range(5)} == {source}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lift-moon=0,0,1", "known task"),
        ("lift-can", "three shares"),
        ("lift-can=0,0,0", "not all"),
    ],
)
def test_a_mix_of_a_task_that_makes_no_sense_is_refused(
    registry: TaskRegistry, words: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        task_mixes(MixConfig(by_task=(words,)), "here", registry.names)
