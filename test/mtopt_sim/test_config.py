"""config/sim.yaml is SimConfig, and every field of it is read somewhere."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from mtopt_core.config import from_mapping
from mtopt_core.errors import ConfigError
from mtopt_data.yamlfile import read_yaml
from mtopt_sim.config import SimConfig

ROOT = Path(__file__).resolve().parents[2]


def test_the_file_names_every_field_and_no_other() -> None:
    values = read_yaml(ROOT / "config" / "sim.yaml")
    assert set(values) == {field.name for field in dataclasses.fields(SimConfig)}
    assert from_mapping(SimConfig, values, "sim.yaml") == SimConfig()


def test_every_field_is_read() -> None:
    sources = [
        path.read_text()
        for path in (ROOT / "src" / "mtopt_sim" / "mtopt_sim").glob("*.py")
        if path.name != "config.py"
    ]
    for field in dataclasses.fields(SimConfig):
        assert any(re.search(rf"\.{field.name}\b", text) for text in sources), field.name


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"timestep_s": 0.1}, "at most 0.01"),
        ({"objects": ["hammer"]}, "one of banana"),
        ({"plate_colours": ["pink"]}, "one of blue"),
        ({"timestep": 0.004}, "no such field"),
    ],
)
def test_a_wrong_value_is_refused_by_name(wrong: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        from_mapping(SimConfig, wrong, "sim.yaml")
