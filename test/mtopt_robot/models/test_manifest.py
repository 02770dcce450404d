"""A manifest says what it said, and refuses what it cannot mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_core.uncertainty import Limits
from mtopt_robot.models.errors import ManifestInvalid
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import Manifest

PRINTABLE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]))
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
SCORES = st.floats(0.0, 1e9)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    cut = draw(st.integers(1, 400))
    bounds = ActionBounds((draw(st.floats(0.001, 0.5)), 0.1, 0.1), draw(st.floats(0.0, 3.0)))
    return Manifest(
        kind="q",
        name=draw(NAMES),
        version=draw(NAMES),
        tasks=tuple(draw(st.lists(PRINTABLE.filter(bool), min_size=1, max_size=4, unique=True))),
        bounds=bounds,
        action_layout=layout_hash(bounds),
        image=ImageFormat((400, 500), (cut, cut), (draw(st.integers(1, 400)), 3)),
        precisions=("fp32", "bf16"),
        files=draw(st.dictionaries(NAMES, st.from_regex(r"[0-9a-f]{64}", fullmatch=True))),
        training=draw(st.dictionaries(PRINTABLE, PLAIN, max_size=4)),
        uncertainty=draw(
            st.none()
            | st.builds(Limits, novelty=SCORES, q_spread=SCORES, decisions=st.integers(1, 10**6))
        ),
    )


@given(manifests())
def test_text_gives_back_what_was_written(manifest: Manifest) -> None:
    assert Manifest.from_text(manifest.to_text(), "manifest.yaml") == manifest


def test_version_with_the_look_of_a_number_stays_text(manifest: Manifest) -> None:
    for version in ("1", "1.0", "1e5", "20260101", "0x10"):
        kept = replace(manifest, version=version)
        assert Manifest.from_text(kept.to_text(), "m").version == version


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("kind", "reward", "one of q, success"),
        ("colour", "red", "no such field"),
        ("name", "../up", "letters, digits"),
        ("version", "", "letters, digits"),
        ("version", 1.0, "must be text"),
        ("tasks", [], "must be 1 to"),
        ("tasks", ["lift-any", "lift-any"], "once"),
        ("files", {"encoder.onnx": "12"}, "sha256"),
        ("files", {"../encoder.onnx": "0" * 64}, "plain file name"),
        ("golden", "golden.pkl", ".npz"),
        ("precisions", ["fp4"], "fp32"),
        ("bounds", {"delta_m": [9.0, 0.1, 0.1]}, "at most 0.5"),
        ("bounds", {"delta_cm": [1.0, 1.0, 1.0]}, "no such field"),
        ("image", {"size_px": [0, 4]}, "at least 1"),
        ("image", {"camera_px": [8, 8], "crop_px": [9, 8]}, "fit into"),
        ("kind", "success", "of another kind"),
        ("uncertainty", {"novelty": -1.0, "q_spread": 0.1, "decisions": 20}, "at least 0"),
        ("uncertainty", {"novelty": 1.0}, "needs decisions, q_spread"),
        ("training", {"a": [{"b": {1, 2}}]}, "plain value"),
    ],
)
def test_bad_field_is_refused_by_name(
    manifest: Manifest, field: str, value: Any, said: str
) -> None:
    with pytest.raises(ManifestInvalid, match=said) as caught:
        Manifest.from_mapping({**manifest.to_mapping(), field: value}, "here.yaml")
    assert "here.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "field", ["kind", "name", "version", "tasks", "bounds", "action_layout", "image"]
)
def test_missing_field_is_refused_by_name(manifest: Manifest, field: str) -> None:
    values = manifest.to_mapping()
    del values[field]
    with pytest.raises(ManifestInvalid, match=field):
        Manifest.from_mapping(values, "here.yaml")


def test_a_manifest_out_of_bounds_is_not_written(manifest: Manifest) -> None:
    for bad in (
        replace(manifest, precisions=("fp4",)),
        replace(manifest, bounds=ActionBounds((9.0, 0.1, 0.1))),
        replace(manifest, image=ImageFormat((9000, 9000), (8, 8), (4, 4))),
    ):
        with pytest.raises(ManifestInvalid):
            bad.to_text()


def test_the_makers_mappings_are_not_ours(manifest: Manifest) -> None:
    training = {"steps": 1}
    made = replace(manifest, training=training)
    training["steps"] = 2
    assert made.training == {"steps": 1}
