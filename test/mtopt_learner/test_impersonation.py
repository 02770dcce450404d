"""Impersonation: counts on cases made by hand, and the laws of what is lent."""

from __future__ import annotations

from collections import Counter

import pytest

from mtopt_core.errors import UnknownTask
from mtopt_core.tasks import TaskRegistry
from mtopt_learner.impersonation import Graded, Lent, coin, orig, share_all, skill

TASKS = TaskRegistry.from_mapping(
    {
        "tasks": [
            {"name": name, "skill": name.split("-")[0], "text": name, "success": rule}
            for name, rule in (
                ("lift-any", {"rule": "lifted", "category": "any"}),
                ("lift-can", {"rule": "lifted", "category": "can"}),
                ("lift-box", {"rule": "lifted", "category": "box"}),
                ("place-any", {"rule": "placed", "section": "any"}),
            )
        ]
    },
    "test",
)
NOTHING = dict.fromkeys(TASKS.names, False)
LIFTED_CAN = Graded("e1", "lift-box", {**NOTHING, "lift-any": True, "lift-can": True})
PLACED = Graded("e2", "place-any", {**NOTHING, "place-any": True})


def test_orig_lends_nothing() -> None:
    assert orig()(LIFTED_CAN) == (Lent("lift-box", False),)


def test_all_lends_to_every_task() -> None:
    assert share_all(TASKS)(LIFTED_CAN) == (
        Lent("lift-any", True),
        Lent("lift-can", True),
        Lent("lift-box", False),
        Lent("place-any", False),
    )


def test_skill_lends_to_siblings_alone() -> None:
    assert skill(TASKS)(LIFTED_CAN) == (
        Lent("lift-any", True),
        Lent("lift-can", True),
        Lent("lift-box", False),
    )
    assert skill(TASKS)(PLACED) == (Lent("place-any", True),)


def test_skill_without_surplus_failures_keeps_own_failure_and_lent_successes() -> None:
    lent = skill(TASKS, 1.0, 0.0)
    assert lent(LIFTED_CAN) == (
        Lent("lift-any", True),
        Lent("lift-can", True),
        Lent("lift-box", False),
    )
    failed = Graded("e3", "lift-any", NOTHING)
    assert lent(failed) == (Lent("lift-any", False),)


def test_skill_without_surplus_successes_keeps_own_alone_and_lent_failures() -> None:
    own = Graded("e4", "lift-can", LIFTED_CAN.success)
    assert skill(TASKS, 0.0, 1.0)(own) == (Lent("lift-can", True), Lent("lift-box", False))


def test_shares_are_kept_over_many_episodes() -> None:
    lent = skill(TASKS, 1.0, 0.15)
    episodes = [Graded(f"e{i}", "lift-any", NOTHING) for i in range(4000)]
    counts = Counter(example.task for episode in episodes for example in lent(episode))
    assert counts["lift-any"] == len(episodes)
    for task in ("lift-can", "lift-box"):
        assert abs(counts[task] / len(episodes) - 0.15) < 0.02
    assert "place-any" not in counts


def test_an_episode_is_lent_alike_at_every_replay() -> None:
    lent = skill(TASKS, 0.5, 0.5)
    episodes = [Graded(f"e{i}", "lift-any", NOTHING) for i in range(100)]
    once = {episode.episode_id: lent(episode) for episode in episodes}
    assert once == {episode.episode_id: lent(episode) for episode in reversed(episodes)}


def test_what_was_not_graded_is_not_lent() -> None:
    old = Graded("e5", "lift-any", {"lift-any": True})
    assert share_all(TASKS)(old) == (Lent("lift-any", True),)
    assert orig()(Graded("e6", "lift-any", {})) == ()


def test_an_episode_of_an_unknown_task_is_named() -> None:
    with pytest.raises(UnknownTask, match="lift-moon"):
        skill(TASKS)(Graded("e7", "lift-moon", NOTHING))


def test_coins_of_tasks_are_apart() -> None:
    pairs = [(coin(f"e{i}", "lift-any"), coin(f"e{i}", "lift-can")) for i in range(2000)]
    both = sum(a < 0.5 and b < 0.5 for a, b in pairs) / len(pairs)
    assert abs(both - 0.25) < 0.03
