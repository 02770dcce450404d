"""Settings of every node: valid as they are, described, and all alive."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import mtopt_ros
from mtopt_core.config import check, described
from mtopt_ros.parameters import leaves
from mtopt_ros.settings import SETTINGS

NODES = pytest.mark.parametrize("name", SETTINGS)


@NODES
def test_the_defaults_are_within_their_own_bounds(name: str) -> None:
    check(SETTINGS[name](), name)


@NODES
def test_every_setting_says_what_it_means(name: str) -> None:
    for leaf in leaves(SETTINGS[name]):
        assert len(leaf.option.text) > 5, f"{name}.{leaf.name}"


@NODES
def test_every_number_has_two_bounds(name: str) -> None:
    for leaf in leaves(SETTINGS[name]):
        if leaf.type in (int, float) and not leaf.option.choices:
            known = leaf.option
            assert known.low is not None or known.high is not None, f"{name}.{leaf.name}"


@NODES
def test_every_class_says_whose_settings_it_holds(name: str) -> None:
    assert (SETTINGS[name].__doc__ or "").startswith(f"{name}: ")


@NODES
def test_every_setting_is_read_by_its_node(name: str) -> None:
    """A field that nothing reads can be tuned for ever without effect."""
    folder = Path(mtopt_ros.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py") if path.stem != "settings")
    cameras = {"overhead", "left", "right"}  # read by the name of the camera
    for field in dataclasses.fields(SETTINGS[name]):
        read = f".{field.name}" in text or field.name in cameras
        assert read, f"{name}.{field.name} is declared and never read"


def test_described_and_fields_agree() -> None:
    for settings in SETTINGS.values():
        assert list(described(settings)) == [f.name for f in dataclasses.fields(settings)]
