"""What the tries of a proof came to."""

from __future__ import annotations

from mtopt_core.share import Share
from mtopt_sim.proof.share import Proof, Tally


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
