"""CEM: the discrete commands, the elites, the answer, and functions whose best is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mtopt_core.action import TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.cem import (
    LAST,
    PRIOR,
    REST,
    Belief,
    CemConfig,
    Choice,
    choose,
    choose_many,
    first_belief,
    propose,
    refit,
)
from mtopt_core.encoding import ACTION_LAYOUT, Numbers, encode_action
from mtopt_core.errors import CoreError

BOUNDS = ActionBounds()
CONFIG = CemConfig()
SEEDS = range(20)
COLUMN = {name: index for index, name in enumerate(ACTION_LAYOUT)}


def near(goal: Action) -> Callable[[Numbers], np.ndarray]:
    """A score that is 1 at an action and falls off with the distance of its numbers."""
    target = encode_action(goal, BOUNDS)
    return lambda rows: 1.0 - np.linalg.norm(rows - target, axis=1)


def chosen(score: Callable[[Numbers], np.ndarray], seed: int, config: CemConfig = CONFIG) -> Choice:
    return choose(score, BOUNDS, config, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_round_has_each_pure_command_once_and_motions_beside(seed: int) -> None:
    choice = chosen(near(Action((0.05, 0.0, 0.0))), seed)
    assert len(choice.rounds) == CONFIG.rounds
    for turn in choice.rounds:
        made = turn.proposal
        assert len(made.motions) == CONFIG.samples
        assert np.sum(made.gripper == Gripper.CLOSE) == 1
        assert np.sum(made.gripper == Gripper.OPEN) == 1
        assert np.sum(made.terminate) == 1
        assert np.sum(~made.continuous) == 3
        assert np.all(made.motions[~made.continuous] == 0.0)
        assert np.all(made.motions[made.continuous].any(axis=1))


@pytest.mark.parametrize("seed", SEEDS)
def test_motions_keep_the_bounds_and_fill_them(seed: int) -> None:
    config = CemConfig(samples=500)
    made = propose(first_belief(BOUNDS, config), BOUNDS, config, np.random.default_rng(seed))
    assert np.all(np.abs(made.motions) <= BOUNDS.high)
    assert np.all(np.ptp(made.motions, axis=0) > 1.5 * BOUNDS.high)


def test_elites_are_the_best_motions_never_commands() -> None:
    rng = np.random.default_rng(0)
    made = propose(first_belief(BOUNDS, CONFIG), BOUNDS, CONFIG, rng)
    q = rng.random(CONFIG.samples)
    q[~made.continuous] = 100.0  # commands score best and must not matter
    belief, elites = refit(made, q, BOUNDS, CONFIG)
    assert len(elites) == CONFIG.elites
    assert made.continuous[elites].all()
    others = np.setdiff1d(np.flatnonzero(made.continuous), elites)
    assert q[elites].min() >= q[others].max()
    assert belief.mean == pytest.approx(made.motions[elites].mean(axis=0))
    assert belief.std == pytest.approx(made.motions[elites].std(axis=0))


def test_the_spread_never_vanishes() -> None:
    still = Belief(np.zeros(4), np.zeros(4))
    made = propose(still, BOUNDS, CONFIG, np.random.default_rng(0))
    belief, _ = refit(made, np.zeros(CONFIG.samples), BOUNDS, CONFIG)
    assert belief.std == pytest.approx(CONFIG.min_spread * BOUNDS.high)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_answer_is_the_best_action_ever_sampled(seed: int) -> None:
    noise = np.random.default_rng(seed + 1000)
    values: list[float] = []
    rows: list[np.ndarray] = []

    def score(numbers: Numbers) -> np.ndarray:
        q = noise.random(len(numbers))
        values.extend(q)
        rows.extend(numbers)
        return q

    choice = chosen(score, seed)
    assert choice.q == max(values)
    assert np.array_equal(encode_action(choice.action, BOUNDS), rows[int(np.argmax(values))])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "goal",
    [
        Action((0.05, -0.06, 0.03), 0.4),
        Action((0.0, 0.0, 0.0), 0.0),
        Action((-0.09, 0.02, -0.10), -1.0),
    ],
)
def test_it_finds_the_best_motion(goal: Action, seed: int) -> None:
    config = CemConfig(samples=128, elites=10, rounds=6, start=REST)
    choice = chosen(near(goal), seed, config)
    assert choice.q > 0.9
    off = np.abs(np.subtract(choice.action.delta_m, goal.delta_m)) / BOUNDS.delta_m
    assert off.max() < 0.1


@pytest.mark.parametrize(
    "goal", [Action(gripper=Gripper.CLOSE), Action(gripper=Gripper.OPEN), TERMINATE]
)
def test_it_finds_each_command_where_that_is_best(goal: Action) -> None:
    for seed in SEEDS:
        choice = chosen(near(goal), seed)
        assert choice.action == goal
        assert choice.q == pytest.approx(1.0)


def test_more_rounds_are_better_on_average() -> None:
    goal = near(Action((0.07, 0.07, -0.09), 1.2))

    def mean(rounds: int) -> float:
        return float(np.mean([chosen(goal, s, CemConfig(rounds=rounds)).q for s in SEEDS]))

    assert mean(1) < mean(2) < mean(5)


def test_a_command_that_scores_best_does_not_hide_where_good_motions_are() -> None:
    goal = near(Action((0.07, -0.05, 0.0)))

    def score(rows: Numbers) -> np.ndarray:
        return goal(rows) + 5.0 * rows[:, COLUMN["terminate"]]

    choice = chosen(score, 0, CemConfig(rounds=5))
    assert choice.action == TERMINATE
    last = choice.rounds[-1]
    means = last.proposal.motions[last.proposal.continuous].mean(axis=0)
    assert means[:2] == pytest.approx([0.07, -0.05], abs=0.02)


def test_a_seed_gives_the_same_choice() -> None:
    goal = near(Action((0.05, 0.05, 0.05)))
    assert chosen(goal, 5).action == chosen(goal, 5).action
    assert chosen(goal, 5).action != chosen(goal, 6).action


def test_a_belief_can_be_given_to_start_from() -> None:
    start = Belief(np.array([0.08, 0.0, 0.0, 0.0]), np.full(4, 1e-4))
    choice = choose(near(Action((0.08, 0.0, 0.0))), BOUNDS, CONFIG, np.random.default_rng(0), start)
    assert choice.action.delta_m[0] == pytest.approx(0.08, abs=1e-3)


@pytest.mark.parametrize(
    "config",
    [CemConfig(samples=5, elites=2), CemConfig(samples=5, elites=512), CemConfig(rounds=1)],
)
def test_the_smallest_settings_work(config: CemConfig) -> None:
    assert np.isfinite(chosen(near(TERMINATE), 0, config).q)


def test_scores_that_are_no_numbers_are_refused() -> None:
    def one_nan(rows: Numbers) -> np.ndarray:
        return np.where(np.arange(len(rows)) == 7, np.nan, 0.5)

    with pytest.raises(CoreError, match=r"\(1, 64\) numbers.*1 of them NaN"):
        chosen(one_nan, 0)
    with pytest.raises(CoreError, match=r"are \(1, 64, 1\)"):
        chosen(lambda rows: rows[:, :1], 0)


def test_cells_that_wait_together_choose_what_each_would_alone() -> None:
    goals = [Action((0.05, 0.0, 0.0)), Action((-0.05, 0.03, -0.1), 1.0), TERMINATE]
    scores = [near(goal) for goal in goals]
    calls: list[tuple[int, ...]] = []

    def score(rows: Numbers) -> np.ndarray:
        calls.append(rows.shape)
        return np.stack([one(each) for one, each in zip(scores, rows, strict=True)])

    rngs = [np.random.default_rng(seed) for seed in range(3)]
    together = choose_many(score, BOUNDS, CONFIG, rngs, [first_belief(BOUNDS, CONFIG)] * 3)
    assert calls == [(3, CONFIG.samples, 8)] * CONFIG.rounds
    for seed, choice in enumerate(together):
        alone = chosen(scores[seed], seed)
        assert choice.action == alone.action
        assert choice.q == alone.q


def test_every_cell_needs_its_own_start() -> None:
    rngs = [np.random.default_rng(seed) for seed in range(2)]
    with pytest.raises(ValueError, match="zip"):
        choose_many(near(TERMINATE), BOUNDS, CONFIG, rngs, [first_belief(BOUNDS, CONFIG)])


LAST_MOTION = Action((0.06, -0.02, -0.09), 0.3)


@pytest.mark.parametrize(
    ("start", "last", "middle"),
    [
        (PRIOR, LAST_MOTION, [0.0, 0.0, -0.7, 0.0]),
        (LAST, LAST_MOTION, [0.6, -0.2, -0.75, 0.3 / BOUNDS.yaw_rad]),
        (LAST, None, [0.0, 0.0, -0.7, 0.0]),
        (LAST, Action(gripper=Gripper.CLOSE), [0.0, 0.0, -0.7, 0.0]),
        (LAST, Action((1.0, 0.0, 0.0)), [1.0, 0.0, 0.0, 0.0]),
    ],
)
def test_a_share_of_the_first_round_looks_near_the_start(
    start: str, last: Action | None, middle: list[float]
) -> None:
    config = CemConfig(samples=103, start=start, prior=(0, 0, -0.7, 0), near_share=0.3)
    belief = first_belief(BOUNDS, config, last)
    near_ones = np.all(np.isclose(belief.mean / BOUNDS.high, middle), axis=1)
    assert near_ones.sum() == 30
    assert belief.std[near_ones] == pytest.approx(
        np.tile(config.near_spread * BOUNDS.high, (30, 1))
    )
    assert np.all(belief.mean[~near_ones] == 0.0)
    assert belief.std[~near_ones] == pytest.approx(np.tile(config.spread * BOUNDS.high, (70, 1)))


def test_a_start_at_rest_looks_near_nothing() -> None:
    belief = first_belief(BOUNDS, CemConfig(start=REST), LAST_MOTION)
    assert np.all(belief.mean == 0.0)
    assert np.all(belief.std == CONFIG.spread * BOUNDS.high)


def test_a_start_that_is_right_helps_and_one_that_is_wrong_hardly_hurts() -> None:
    def mean(goal: Action, **settings: object) -> float:
        config = CemConfig(rounds=1, **settings)
        return float(np.mean([chosen(near(goal), seed, config).q for seed in SEEDS]))

    down, up = Action((0.0, 0.0, -0.08)), Action((0.0, 0.0, 0.1))
    assert mean(down, prior=(0, 0, -0.7, 0)) > mean(down, start=REST) + 0.02
    assert mean(up, prior=(0, 0, -0.7, 0)) > mean(up, start=REST) - 0.1
