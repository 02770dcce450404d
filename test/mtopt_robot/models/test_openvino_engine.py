"""OpenVINO says what ONNX Runtime says, for any number of cells and actions."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from onnx import TensorProto

from fakes.fake_model import Flaw, encoder_bytes, head_bytes
from mtopt_robot.models import openvino_engine
from mtopt_robot.models.errors import GraphInvalid
from mtopt_robot.models.onnx_engine import OnnxEngine
from mtopt_robot.models.openvino_engine import OpenVinoEngine
from mtopt_robot.models.q_function import QFunction

SIZE_PX, TASKS, BLOCK = (4, 6), 3, 8
ENGINE = OpenVinoEngine("fp32", threads=1, block=BLOCK)


@pytest.fixture(scope="module")
def q_function() -> QFunction:
    return QFunction(encoder_bytes(SIZE_PX), head_bytes(TASKS), SIZE_PX, TASKS, engine=ENGINE)


def inputs(cells: int, count: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(cells * 100 + count)
    images = rng.integers(0, 256, size=(cells, *SIZE_PX, 3), dtype=np.uint8)
    state = rng.uniform(0, 1, size=(cells, 2)).astype(np.float32)
    task = np.eye(TASKS, dtype=np.float32)[rng.integers(TASKS, size=cells)]
    return images, state, task, rng.uniform(-1, 1, size=(cells, count, 8)).astype(np.float32)


@pytest.mark.parametrize("cells", [1, 3, 7])
@pytest.mark.parametrize("count", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_it_says_what_onnx_runtime_says(q_function: QFunction, cells: int, count: int) -> None:
    images, state, task, actions = inputs(cells, count)
    plain = QFunction(
        encoder_bytes(SIZE_PX), head_bytes(TASKS), SIZE_PX, TASKS, engine=OnnxEngine(threads=1)
    )
    wanted = plain.score(plain.features(images), state, task, actions)
    features = q_function.features(images)
    assert features.shape == plain.features(images).shape
    found = q_function.score(features, state, task, actions)
    assert found.shape == (cells, count)
    assert found == pytest.approx(wanted, abs=1e-5)


def test_what_was_said_before_stays_said(q_function: QFunction) -> None:
    images, state, task, actions = inputs(1, BLOCK)
    features = q_function.features(images)
    first = q_function.score(features, state, task, actions)
    kept = first.copy()
    q_function.score(q_function.features(255 - images), state, task, -actions)
    assert np.array_equal(first, kept), "a value in a buffer that is used again"


def test_a_short_block_after_a_long_one_is_not_mixed_with_it(q_function: QFunction) -> None:
    images, state, task, actions = inputs(1, BLOCK)
    features = q_function.features(images)
    long = q_function.score(features, state, task, actions)
    short = q_function.score(features, state, task, actions[:, :2])
    assert short == pytest.approx(long[:, :2], abs=1e-6)


def test_threads_may_ask_at_once(q_function: QFunction) -> None:
    asked = [inputs(1, count) for count in range(1, 9)]
    features = [q_function.features(images) for images, *_ in asked]
    wanted = [q_function.score(f, *rest) for f, (_, *rest) in zip(features, asked, strict=True)]
    wrong: list[int] = []

    def ask(index: int) -> None:
        for _ in range(50):
            found = q_function.score(features[index], *asked[index][1:])
            if not np.allclose(found, wanted[index], atol=1e-6):
                wrong.append(index)

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_wrong_arrays_are_refused_by_name(q_function: QFunction) -> None:
    images, state, task, actions = inputs(2, 3)
    features = q_function.features(images)
    with pytest.raises(GraphInvalid, match="encoder cannot be run: image must be"):
        q_function.features(np.zeros((1, 9, 9, 3), dtype=np.uint8))
    with pytest.raises(GraphInvalid, match="image must be uint8"):
        q_function.features(images.astype(np.float32))
    for wrong in ((state[:1], task, actions), (state, task, actions[:, :, :7])):
        with pytest.raises(GraphInvalid, match="head cannot be run"):
            q_function.score(features, *wrong)


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (b"", "encoder cannot be loaded"),
        (encoder_bytes(SIZE_PX)[:200], "encoder cannot be loaded"),
        (encoder_bytes(SIZE_PX, Flaw(image_type=TensorProto.FLOAT)), "encoder input image"),
        (encoder_bytes((9, 9)), "encoder input image"),
    ],
)
def test_other_graphs_are_refused(encoder: bytes, said: str) -> None:
    with pytest.raises(GraphInvalid, match=said):
        QFunction(encoder, head_bytes(TASKS), SIZE_PX, TASKS, engine=ENGINE)


def test_fp32_is_always_there() -> None:
    assert openvino_engine.installed()
    assert "fp32" in openvino_engine.precisions()
