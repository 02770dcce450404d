"""The closed loop's decisions: what comes next, what is collected, what is promoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_core.evaluation import Scores
from mtopt_core.exploration import MixConfig
from mtopt_core.share import Share
from mtopt_learner.errors import LoopInvalid
from mtopt_learner.loop import LoopConfig, LoopState, Phase, beats, read_state, write_state

CONFIG = LoopConfig(first_steps=30, steps=10)


def scores(**right: int) -> Scores:
    return Scores({task: Share(count, 10) for task, count in right.items()})


def test_phases_follow_each_other_and_training_grows_by_the_cycle() -> None:
    state, seen = LoopState(spent_s=5.0), []
    for steps in (0, 30, 30, 30, 40, 40, 40):
        seen.append((state.cycle, state.phase, state.goal))
        state = state.next(steps, CONFIG)
    assert seen == [
        (0, Phase.COLLECT, 0), (0, Phase.TRAIN, 30), (0, Phase.GATE, 30),
        (1, Phase.COLLECT, 30), (1, Phase.TRAIN, 40), (1, Phase.GATE, 40),
        (2, Phase.COLLECT, 40),
    ]  # fmt: skip
    assert state == LoopState(2, Phase.TRAIN, 50, 5.0)


def test_scripts_and_guides_collect_until_a_model_serves() -> None:
    config = LoopConfig(first_episodes=9, first_guided=0.7, episodes=5, guided=0.2, epsilon=0.3)
    for state in (LoopState(), LoopState(cycle=3)):
        first = state.collecting(config, served=False)
        assert (first.episodes, first.mix, first.guided) == (9, MixConfig(), 0.7)
        later = state.collecting(config, served=True)
        assert (later.episodes, later.guided) == (5, 0.2)
        assert later.mix == MixConfig(0.0, 1.0, 1.0, 0.3)


def test_a_version_is_promoted_if_its_mean_is_as_good() -> None:
    old = scores(a=5, b=5)
    assert beats(scores(a=0, b=0), None, 0.5), "nobody to beat"
    assert beats(scores(a=4, b=6), old, 0.0), "at equal means the newer"
    assert not beats(scores(a=9, b=0), old, 0.0)
    assert beats(scores(a=6, b=6), old, 0.1) and not beats(scores(a=6, b=5), old, 0.1)
    assert beats(scores(a=0, b=9), old, -0.05)


@pytest.mark.parametrize(
    "new", [scores(a=5), scores(), Scores({"a": Share(1, 9), "b": Share(5, 10)})]
)
def test_a_gate_compares_the_same_attempts(new: Scores) -> None:
    with pytest.raises(LoopInvalid, match="same attempts"):
        beats(new, scores(a=5, b=5), 0.0)


def test_two_with_no_attempt_at_all_are_not_compared() -> None:
    with pytest.raises(LoopInvalid):
        beats(scores(), scores(), 0.0)


def test_a_state_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "loop.json"
    assert read_state(path) == LoopState()
    state = LoopState(4, Phase.GATE, 700, 12.5)
    write_state(path, state)
    assert read_state(path) == state
    assert [each.name for each in path.parent.iterdir()] == ["loop.json"]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"cycle": 0, "phase": "sleep", "goal": 0, "spent_s": 0}',
     '{"cycle": -1, "phase": "gate", "goal": 0, "spent_s": 0}',
     '{"cycle": 0, "phase": "gate", "goal": 0, "spent_s": NaN}'],
)  # fmt: skip
def test_what_is_no_state_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "loop.json"
    path.write_text(text)
    with pytest.raises(LoopInvalid, match=r"loop\.json"):
        read_state(path)
