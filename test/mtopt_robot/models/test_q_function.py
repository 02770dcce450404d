"""The two networks as one function, held against a formula that does not know them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from fakes.fake_model import ONE_THREAD, Flaw, encoder_bytes, expected_q, head_bytes
from mtopt_robot.models.errors import GraphInvalid
from mtopt_robot.models.q_function import QFunction
from mtopt_robot.models.trial import one_hot

TASKS = ("a", "b", "c")
SIZE_PX = (4, 6)
GOOD = Flaw()


def _q_function(encoder: Flaw = GOOD, head: Flaw = GOOD) -> QFunction:
    made = encoder_bytes(SIZE_PX, encoder), head_bytes(len(TASKS), head)
    return QFunction(*made, SIZE_PX, len(TASKS), ONE_THREAD)


@pytest.mark.parametrize("cells", [1, 3])
@pytest.mark.parametrize("count", [1, 3, 64])
def test_values_are_those_of_the_formula_for_any_number_of_cells_and_actions(
    cells: int, count: int
) -> None:
    q_function, rng = _q_function(), np.random.default_rng(0)
    images = rng.integers(0, 256, size=(cells, *SIZE_PX, 3), dtype=np.uint8)
    states = rng.uniform(0, 1, size=(cells, 2)).astype(np.float32)
    actions = rng.uniform(-1, 1, size=(cells, count, 8)).astype(np.float32)
    codes = np.stack([one_hot(TASKS, TASKS[cell]) for cell in range(cells)])
    q = q_function.score(q_function.features(images), states, codes, actions)
    assert q.shape == (cells, count)
    assert q.dtype == np.float32
    for cell in range(cells):
        wanted = expected_q(images[cell], cell, states[cell], actions[cell])
        assert np.allclose(q[cell], wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("encoder", "head", "said"),
    [
        (Flaw(image_type=TensorProto.FLOAT), GOOD, "encoder input image"),
        (Flaw(batch=1), GOOD, "encoder"),
        (Flaw(features=2), GOOD, "head input features"),
        (GOOD, Flaw(batch=1), "head input"),
        (GOOD, Flaw(actions=7), "head input actions"),
        (GOOD, Flaw(q_name="value_of"), "head output: must be q"),
    ],
)
def test_other_inputs_and_outputs_are_refused(encoder: Flaw, head: Flaw, said: str) -> None:
    with pytest.raises(GraphInvalid, match=said):
        _q_function(encoder, head)


def test_other_sizes_than_the_manifest_says_are_refused() -> None:
    encoder, head = encoder_bytes(SIZE_PX), head_bytes(3)
    with pytest.raises(GraphInvalid, match="encoder input image"):
        QFunction(encoder, head, (6, 4), 3, ONE_THREAD)
    with pytest.raises(GraphInvalid, match="head input task"):
        QFunction(encoder, head, SIZE_PX, 4, ONE_THREAD)
    with pytest.raises(GraphInvalid, match="encoder"):
        QFunction(head, encoder, SIZE_PX, 3, ONE_THREAD)


def test_bytes_that_are_no_network_are_refused() -> None:
    good = encoder_bytes(SIZE_PX)
    for bad in (b"", b"abc", good[: len(good) // 2]):
        with pytest.raises(GraphInvalid, match="encoder cannot be loaded"):
            QFunction(bad, head_bytes(3), SIZE_PX, 3, ONE_THREAD)


def test_wrong_arrays_are_refused_by_name() -> None:
    q_function = _q_function()
    with pytest.raises(GraphInvalid, match="encoder cannot be run"):
        q_function.features(np.zeros((1, 9, 9, 3), dtype=np.uint8))
    features = q_function.features(np.zeros((1, *SIZE_PX, 3), dtype=np.uint8))
    state, code = np.zeros((1, 2), np.float32), one_hot(TASKS, "a")[np.newaxis]
    with pytest.raises(GraphInvalid, match="head cannot be run"):
        q_function.score(features, state, code, np.zeros((1, 2, 7), dtype=np.float32))
