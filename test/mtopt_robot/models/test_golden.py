"""Golden examples come back as they went, and nothing in them is ever unpickled."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.fake_model import golden_examples
from mtopt_robot.models import arrays
from mtopt_robot.models.errors import GoldenInvalid
from mtopt_robot.models.golden import Golden

TASKS = ("lift-any", "place-any")


class _Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.path.touch, ())


def _packed(**changes: Any) -> bytes:
    golden = golden_examples(TASKS, (4, 4))
    arrays = {n: getattr(golden, n) for n in ("images", "states", "actions", "q")}
    arrays |= {"tasks": np.array(TASKS), **changes}
    file = io.BytesIO()
    np.savez(file, **{n: a for n, a in arrays.items() if a is not None})
    return file.getvalue()


def test_round_trip_and_same_bytes_for_same_examples() -> None:
    golden = golden_examples(TASKS, (4, 6))
    data = golden.to_bytes()
    again = Golden.from_bytes(data)
    assert again.tasks == TASKS
    for name in ("images", "states", "actions", "q"):
        assert np.array_equal(getattr(again, name), getattr(golden, name))
    assert again.to_bytes() == data


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    bomb = tmp_path / "exploded"
    charged = np.array([_Bomb(bomb)], dtype=object)
    for data in (_packed(q=charged), _packed(tasks=charged), pickle.dumps(_Bomb(bomb))):
        with pytest.raises(GoldenInvalid):
            Golden.from_bytes(data)
    assert not bomb.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"q": None},
        {"extra": np.zeros(1)},
        {"q": np.zeros((2, 3), np.float32)},
        {"q": np.zeros((2, 9))},
        {"q": np.zeros((2, 0), np.float32), "actions": np.zeros((2, 0, 8), np.float32)},
        {"states": np.zeros((2, 3), np.float32)},
        {"actions": np.zeros((2, 9, 7), np.float32)},
        {"images": np.zeros((2, 4, 4, 3), np.float32)},
        {"images": np.zeros((2, 4, 4, 4), np.uint8)},
        {"images": np.zeros((3, 4, 4, 3), np.uint8)},
        {"tasks": np.array([1, 2])},
    ],
    ids="-".join,
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(GoldenInvalid):
        Golden.from_bytes(_packed(**changes))


def test_a_cut_or_altered_file_is_refused_or_the_same() -> None:
    data = _packed()
    rng = np.random.default_rng(5)
    for _ in range(200):
        with pytest.raises(GoldenInvalid):
            Golden.from_bytes(data[: rng.integers(0, len(data))])
        damaged = bytearray(data)
        damaged[rng.integers(0, len(data))] ^= 1 << rng.integers(0, 8)
        try:
            Golden.from_bytes(bytes(damaged))
        except GoldenInvalid:
            continue


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = golden_examples(TASKS, (64, 64)).to_bytes()
    monkeypatch.setattr(arrays, "MAX_UNPACKED_BYTES", 2 * 64 * 64 * 3)
    with pytest.raises(GoldenInvalid, match="unpacked"):
        Golden.from_bytes(data)
