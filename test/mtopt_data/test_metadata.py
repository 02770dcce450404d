"""The metadata record: it survives the trip through strings, and refuses what cannot be."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from mtopt_core.purpose import purpose_of
from mtopt_data.errors import MetadataInvalid
from mtopt_data.metadata import EpisodeMetadata, EpisodeStart


@pytest.fixture
def whole(make_start: Any) -> EpisodeMetadata:
    return make_start(task="lift-banana", operator='Zoë "Z" O\'Neil\n').finished(
        ended_ns=9_000_000_000,
        steps=4,
        end_reason="terminated",
        late=1,
        success={"lift-any": True, "lift-banana": False},
        probability={"lift-any": 0.9, "lift-banana": 0.1 + 0.2},
        frames={"/cell1/joint_states": 2**40},
        drops={"/cell1/joint_states": 0},
        sources={"scripted": 3, "epsilon": 1},
        policy_version="v2",
    )


def test_both_records_come_back_from_their_maps(whole: EpisodeMetadata, make_start: Any) -> None:
    start = make_start(seed=-3)
    assert EpisodeStart.from_map(start.to_map()) == start
    assert EpisodeMetadata.from_map(whole.to_map()) == whole


def test_maps_hold_text_alone(whole: EpisodeMetadata) -> None:
    values = whole.to_map()
    assert all(isinstance(text, str) for item in values.items() for text in item)
    assert values["format"] == "2"
    assert values["success"] == '{"lift-any": true, "lift-banana": false}'


def test_the_end_may_replace_what_the_start_said(whole: EpisodeMetadata) -> None:
    assert (whole.policy_model, whole.policy_version) == ("scripted", "v2")


def test_success_is_that_of_the_episodes_own_task(whole: EpisodeMetadata, make_start: Any) -> None:
    assert whole.succeeded is False
    ungraded = make_start().finished(ended_ns=1, steps=0, end_reason="camera_fault")
    assert (ungraded.succeeded, ungraded.ordinary) == (None, False)
    assert whole.ordinary


def test_metadata_travels_between_processes(whole: EpisodeMetadata) -> None:
    assert pickle.loads(pickle.dumps(whole)) == whole


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("task", "", "task = '': must not be empty"),
        ("seed", 1.5, "seed = 1.5: must be a whole number"),
        ("seed", True, "seed = True: must be a whole number"),
        ("operator", None, "operator = None: must be text"),
        ("started_ns", -1, "started_ns = -1: must be 0 to"),
        ("purpose", "evaluation", "purpose = 'evaluation': seed 42 is one of training"),
        ("seed", 1 << 62, "purpose = 'training': seed 4611686018427387904 is one of evaluation"),
        ("cell", "cell2", "the episode id names cell 'cell1'"),
    ],
)
def test_a_start_that_cannot_be_is_named(
    make_start: Any, name: str, value: object, said: str
) -> None:
    values = {item: text for item, text in vars(make_start()).items()}
    with pytest.raises(MetadataInvalid, match=said):
        EpisodeStart(**values | {name: value})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"steps": -1}, "steps = -1"),
        ({"end_reason": "bored"}, "end_reason = 'bored': one of terminated, step_limit"),
        ({"success": {"lift-any": 1}}, r"success\['lift-any'\] = 1: must be true or false"),
        ({"probability": {"a": 1.01}, "success": {"a": True}}, r"1\.01: must be 0 to 1"),
        ({"probability": {"a": math.nan}, "success": {"a": True}}, "nan: must be 0 to 1"),
        ({"success": {"a": True}}, r"differ in their tasks: \['a'\]"),
        ({"frames": {"/t": -2}}, "must not be negative"),
        ({"frames": {"": 2}}, "names must be text"),
        ({"drops": [1]}, "drops = .*: must be a mapping"),
        ({"colour": "red"}, "colour: no such field"),
    ],
)
def test_an_end_that_cannot_be_is_named(make_start: Any, values: Any, said: str) -> None:
    known = {"ended_ns": 1, "steps": 1, "end_reason": "terminated"}
    with pytest.raises(MetadataInvalid, match=said):
        make_start().finished(**known | values)


def test_an_end_without_its_reason_is_refused(make_start: Any) -> None:
    with pytest.raises(MetadataInvalid, match="end_reason: missing"):
        make_start().finished(ended_ns=1, steps=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "3"}, "format = '3': this version reads 1 and 2"),
        ({"scene": None}, "scene: missing"),
        ({"task": None}, "task: missing"),
        ({"colour": "red"}, "colour: not a field"),
        ({"seed": "many"}, "seed = 'many': must be a whole number"),
        ({"frames": "{"}, "frames = '{': must be a mapping"),
        ({"frames": "[]"}, r"frames = \[\]: must be a mapping"),
    ],
)
def test_a_map_that_cannot_be_is_named(whole: EpisodeMetadata, change: Any, said: str) -> None:
    changed = whole.to_map() | change
    values = {name: text for name, text in changed.items() if text is not None}
    with pytest.raises(MetadataInvalid, match=said):
        EpisodeMetadata.from_map(values)


@pytest.mark.parametrize("seed", [7, 1 << 62])
def test_a_map_of_before_scenes_is_read(make_start: Any, seed: int) -> None:
    purpose = purpose_of(seed).value
    start = make_start(seed=seed, purpose=purpose)
    later = ("scene", "variation", "purpose")
    old = {name: text for name, text in start.to_map().items() if name not in later}
    assert EpisodeStart.from_map(old | {"format": "1"}) == start
    with pytest.raises(MetadataInvalid, match="scene: not a field of format 1"):
        EpisodeStart.from_map(old | {"format": "1", "scene": "plain"})


def test_a_scene_comes_back(make_start: Any) -> None:
    start = make_start(scene="everyday", variation="mild")
    assert EpisodeStart.from_map(start.to_map()) == start
