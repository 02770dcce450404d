"""What a soak says of what it measured."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest

from mtopt_bringup.soak.accounts import Accounts
from mtopt_bringup.soak.gauges import Gauge, Sample
from mtopt_bringup.soak.plan import Fault, Kind
from mtopt_bringup.soak.recovery import Ledger, Recovery
from mtopt_bringup.soak.trend import trend
from mtopt_bringup.soak.verdict import Check, checks, word
from mtopt_ros.cell_view import CellView

HOURS = np.arange(0.0, 4.0, 0.01)


def life(
    per_hour: float, noise: float = 1.0, seed: int = 1, height: float = 100.0
) -> list[tuple[float, float]]:
    rng = np.random.default_rng(seed)
    values = height + per_hour * HOURS + rng.normal(0.0, noise, len(HOURS))
    return list(zip(HOURS.tolist(), values.tolist(), strict=True))


# --- growth


@pytest.mark.parametrize("per_hour", [-3.0, 0.0, 0.5, 8.0])
def test_a_slope_is_found_within_its_error(per_hour: float) -> None:
    found = trend({1: life(per_hour)})
    assert abs(found.per_hour - per_hour) < 3 * found.error
    assert found.error < 0.2


def test_lives_of_different_heights_are_no_growth() -> None:
    lives = {pid: life(0.0, seed=pid, height=50.0 * pid) for pid in (1, 2, 3)}
    assert abs(trend(lives).per_hour) < 0.2


def test_the_first_moments_are_left_out() -> None:
    rising = [(h, 100.0 * min(h / 0.2, 1.0)) for h in HOURS.tolist()]
    assert trend({1: rising}).per_hour > 3.0
    assert trend({1: rising}, warm_up_h=0.25).per_hour == pytest.approx(0.0, abs=1e-9)


def test_wandering_is_less_sure_than_noise() -> None:
    rng = np.random.default_rng(5)
    steps = rng.normal(0.0, 1.0, len(HOURS)).tolist()
    walk = np.cumsum(steps).tolist()
    spread = float(np.std(walk))
    noise = life(0.0, noise=spread)
    wandering = list(zip(HOURS.tolist(), walk, strict=True))
    assert trend({1: wandering}).error > 3 * trend({1: noise}).error


def test_bounded_grows_and_too_early() -> None:
    assert trend({1: life(0.5)}).bounded(2.0) is True
    assert trend({1: life(8.0)}).bounded(2.0) is False
    assert trend({1: life(0.5)[:3]}).bounded(2.0) is None
    assert math.isinf(trend({}).error)


# --- a fault's course


def hear(ledger: Ledger, recovery: Recovery, at_s: float, **said: object) -> None:
    view = CellView("cell1", **said)  # type: ignore[arg-type]
    recovery.hear(view, ledger.hear(view, at_s), ledger, at_s)


def test_only_an_episode_that_began_after_the_mending_counts() -> None:
    ledger, recovery = Ledger(), Recovery(Fault(0, Kind.CAMERA, "left", 5.0, 0.0), 10.0)
    hear(ledger, recovery, 9.0, state="collecting", episode_id="a", episodes=3)
    hear(ledger, recovery, 11.0, state="faulted", episode_id="a", episodes=3, faults=("camera",))
    recovery.mended_s = 15.0
    hear(ledger, recovery, 16.0, state="collecting", episode_id="a", episodes=4)
    assert not recovery.done
    hear(ledger, recovery, 17.0, state="collecting", episode_id="b", episodes=4)
    hear(ledger, recovery, 30.0, state="grading", episode_id="b", episodes=5)
    told = recovery.as_dict()
    assert recovery.done
    assert (told["shown_after_s"], told["shown"]) == (1.0, "camera")
    assert (told["collecting_after_s"], told["counted_after_s"]) == (2.0, 15.0)


def test_a_runner_that_came_back_counts_on() -> None:
    ledger = Ledger()
    for episodes in (1, 2, 0, 1):
        ledger.hear(CellView("cell1", episodes=episodes, episode_id=f"e{episodes}"), 0.0)
    assert (ledger.counted, ledger.lives) == (3, 2)


# --- episodes


def accounts(**other: object) -> Accounts:
    said: dict[str, object] = {
        "finished": {"a", "b"}, "rows": ("a", "b"), "ordinary": 2, "aside": {"c"}, "damaged": (),
        "left_over": (), "begun": {"a", "b", "c"}, "counted": 2,
    }  # fmt: skip
    return Accounts(**{**said, **other})  # type: ignore[arg-type]


def test_books_that_agree() -> None:
    assert accounts().wrong(hidden=0) == []
    assert accounts(counted=1).wrong(hidden=1) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"begun": {"a", "b", "c", "d"}}, "nowhere to be found: d"),
        ({"rows": ("a", "b", "b")}, "there twice: b"),
        ({"aside": {"b", "c"}}, "there twice: b"),
        ({"rows": ("a",)}, "not in the catalog: b"),
        ({"rows": ("a", "b", "x")}, "not on the disk: x"),
        ({"left_over": ("e.mcap.part",)}, "left unfinished: e.mcap.part"),
        ({"damaged": ("a: bad checksum",)}, "damaged: a: bad checksum"),
        ({"counted": 0}, "the runner counted 0"),
        ({"counted": 3}, "the runner counted 3"),
    ],
)
def test_books_that_do_not(other: dict[str, object], said: str) -> None:
    assert any(said in line for line in accounts(**other).wrong(hidden=1))


# --- all of it


def samples(anon_mb_h: float = 0.0, shared_mb_h: float = 0.0) -> list[Sample]:
    rng = np.random.default_rng(2)
    return [
        Sample(
            3600.0 * h,
            {
                "cell1.arm": Gauge(
                    7, 9.0 * h, 90.0, 60.0 + anon_mb_h * h + rng.normal(0, 0.1), 20, 9
                )
            },
            5000.0 * h,
            10.0,
            150.0 + shared_mb_h * h,
        )
        for h in HOURS.tolist()
    ]


def recovered(done: bool = True) -> Recovery:
    made = Recovery(Fault(0, Kind.PAUSE, "", 1.0, 1.0), 1.0, mended_s=2.0)
    made.counted_s = 3.0 if done else None
    return made


def failing(found: Iterable[Check]) -> list[str]:
    return [check.name for check in found if check.ok is False]


def test_a_soak_that_passes() -> None:
    found = checks(samples(), 1.0, [recovered()], accounts())
    assert word(found) == "passed", found


def test_each_thing_that_grows_fails_by_name() -> None:
    books = accounts()
    assert failing(checks(samples(anon_mb_h=9.0), 1.0, [recovered()], books)) == [
        "anon_mb by process"
    ]
    assert failing(checks(samples(shared_mb_h=30.0), 1.0, [recovered()], books)) == [
        "shared memory"
    ]
    # The same growth over three times the simulated hours is a third of it.
    assert word(checks(samples(anon_mb_h=3.0), 3.0, [recovered()], books)) == "passed"


def test_a_fault_that_is_not_over_and_books_that_disagree_fail() -> None:
    found = checks(samples(), 1.0, [recovered(), recovered(False)], accounts(rows=("a",)))
    assert failing(found) == ["recovered", "episodes"]
    assert word(found) == "failed"


def test_too_short_a_soak_is_undecided() -> None:
    assert word(checks(samples()[:3], 1.0, [recovered()], accounts())) == "undecided"
