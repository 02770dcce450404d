"""Shares and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mtopt_sim.proof.share import Proof, Share, Tally


def test_wilsons_interval_is_that_of_the_tables() -> None:
    assert Share(69, 72).interval == pytest.approx((0.8845, 0.9857), abs=1e-3)
    assert Share(200, 200).interval == pytest.approx((0.9812, 1.0), abs=1e-3)


def test_nothing_is_known_without_a_try() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)
    assert math.isnan(Share(0, 0).value)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.97])
def test_nineteen_of_twenty_intervals_hold_the_truth(share: float) -> None:
    rng = np.random.default_rng(0)
    held = [
        low <= share <= high
        for low, high in (Share(int(n), 150).interval for n in rng.binomial(150, share, 2000))
    ]
    assert 0.92 < np.mean(held) < 0.99


def test_a_proof_counts_and_tells_json() -> None:
    share = Share(0, 0).plus(True).plus(False)
    assert share == Share(1, 2)
    told = Proof("grasps", {"lifted": share}, ("why",)).as_dict()
    assert told["shares"]["lifted"] | {"low": 0, "high": 0} == {
        "right": 1,
        "tries": 2,
        "share": 0.5,
        "low": 0,
        "high": 0,
    }
    assert told["failures"] == ["why"]


def test_proofs_add_up_whatever_shares_they_have() -> None:
    one, other = Tally(), Tally()
    for right in (True, False):
        one.add("both", right)
    one.add("first", True)
    other.add("both", True)
    other.add("second", False)
    other.failures.append("why")
    whole = one.proof("grasps").plus(other.proof("grasps"))
    assert whole.shares == {"both": Share(2, 3), "first": Share(1, 1), "second": Share(0, 1)}
    assert whole.failures == ("why",)
