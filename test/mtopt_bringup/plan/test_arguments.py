"""The arguments of a start, in both spellings."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_bringup.plan.arguments import Arguments, parse
from mtopt_bringup.plan.up_words import parse_words
from mtopt_bringup.spoken import word
from mtopt_core.config import described
from mtopt_core.errors import ConfigError


@pytest.mark.parametrize(
    "words",
    [
        ["--episodes", "3", "--composed", "--speed", "2"],
        ["--episodes=3", "--composed", "true", "--speed=2.0"],
        ["episodes:=3", "composed:=true", "speed:=2"],
        ["--composed", "episodes:=3", "--speed", "2"],
    ],
)
def test_both_spellings_mean_the_same(words: list[str]) -> None:
    assert parse_words(words) == Arguments(episodes=3, composed=True, speed=2.0)


def test_nothing_said_is_the_defaults() -> None:
    assert parse_words([]) == parse({}) == Arguments()


def test_defaults_survive_their_own_words() -> None:
    texts = {name: word(getattr(Arguments(), name)) for name in described(Arguments)}
    assert parse(texts) == Arguments()


def test_cells_are_a_number_or_names() -> None:
    assert (parse({"cells": "3"}).cell_count, parse({"cells": "3"}).cell_names) == (3, ())
    assert parse({"cells": "a, b,a"}).cell_names == ("a", "b")
    assert parse({"cells": ""}).cell_count is None


def test_a_relative_data_folder_is_below_where_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse({"data": "d"}).data_folder == tmp_path / "d"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"episodes": "many"}, ["episodes", "'many'", "whole number"]),
        ({"episodes": "1.5"}, ["episodes", "'1.5'", "whole number"]),
        ({"episodes": "-1"}, ["episodes", "-1", "at least 0"]),
        ({"speed": "0"}, ["speed", "0", "at least 0.01"]),
        ({"speed": "nan"}, ["speed", "nan", "finite number"]),
        ({"speed": "fast"}, ["speed", "'fast'", "number"]),
        ({"composed": "maybe"}, ["composed", "'maybe'", "true or false"]),
        ({"hardware": "kuka"}, ["hardware", "'kuka'", "mujoco, gazebo, mock, iiwa"]),
        ({"console": "true"}, ["console", "True", "must be one of False"]),
        ({"cells": "0"}, ["cells", "'0'", "at least 1"]),
        ({"data": " "}, ["data", "folder"]),
        ({"episode": "3"}, ["episode", "'3'", "no such field", "episodes"]),
    ],
)
def test_a_mistake_is_named(texts: dict[str, str], said: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(texts)
    for part in said:
        assert part in str(raised.value)


@pytest.mark.parametrize(
    "words", [["episodes:=1", "episodes:=2"], ["--episodes", "1", "episodes:=2"], ["--seed=1"] * 2]
)
def test_an_argument_may_be_given_once(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="given twice"):
        parse_words(words)
