"""`mtopt data`: exit codes, and what programs and people read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.data_cli import run
from mtopt_data.naming import finished_files

Out = pytest.CaptureFixture[str]


@pytest.fixture
def data(begin: Any, tmp_path: Path) -> Path:
    for _ in range(3):
        begin().play().close()
    return tmp_path / "data"


def words(data: Path, *said: str) -> list[str]:
    return [said[0], "--data", str(data), *said[1:]]


def test_an_answer_for_people_and_for_programs(data: Path, capsys: Out) -> None:
    sql = "SELECT task, count(*) AS n, any_value(sources) AS who, min(opened) AS t FROM episodes"
    sql += " GROUP BY task"
    assert run(words(data, "sql", sql)) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["task", "n", "who", "t"] and line.split()[:2] == ["lift-any", "3"]
    assert run(words(data, "sql", "--json", sql)) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert row["n"] == 3 and row["who"] == {"scripted": 3} and row["t"].startswith("2026-08-07T")
    assert run(words(data, "sql", "--csv", sql)) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["n"] == "3" and json.loads(rows[0]["who"]) == {"scripted": 3}


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (("sql", "SELECT nope FROM episodes"), 2, '"nope" not found'),
        (("sql", "SELEC"), 2, "syntax error"),
        (("upload", "--to", "/nowhere/at/all"), 2, "is it mounted"),
        (("upload", "--to", "/", "--keep-days", "-1"), 2, "must be a number of days"),
        (("fly",), 2, "invalid choice"),
    ],
)
def test_a_mistake_is_told_in_a_line(
    data: Path, said: tuple[str, ...], code: int, told: str, capsys: Out
) -> None:
    assert run(words(data, *said)) == code
    err = capsys.readouterr().err
    assert told in err and "Traceback" not in err
    assert said == ("fly",) or err.splitlines()[-1].startswith("mtopt data")


def test_a_folder_without_a_catalog_gets_one(data: Path, capsys: Out) -> None:
    for path in (data / "catalog").iterdir():
        path.unlink()
    (data / "catalog").rmdir()
    assert run(words(data, "sql", "SELECT 1")) == 2
    assert "data rebuild" in capsys.readouterr().err
    assert run(words(data, "rebuild")) == 0
    assert run(words(data, "sql", "--csv", "SELECT count(*) FROM episodes")) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3"


def test_info_agrees_or_says_where_it_does_not(data: Path, begin: Any, capsys: Out) -> None:
    begin().play().writer.abandon("test")
    assert run(words(data, "info", "--json")) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["episodes"], facts["successes"], facts["quarantined"]) == (3, 3, 1)
    assert facts["tasks"] == [{"task": "lift-any", "episodes": 3, "graded": 3, "successes": 3}]
    first, second, _ = finished_files(data)
    first.unlink()
    renamed = second.with_name(second.name.replace("20260807", "20260806"))
    second.rename(renamed)
    assert run(words(data, "info")) == 1
    out = capsys.readouterr().out
    assert f"uncatalogued {renamed}" in out and first.name in out and "data rebuild" in out


def test_a_damaged_catalog_is_named_and_rebuilt(data: Path, capsys: Out) -> None:
    assert run(words(data, "rebuild")) == 0
    table = data / "catalog" / "episodes.parquet"
    table.write_bytes(table.read_bytes()[:-50])
    assert run(words(data, "sql", "SELECT 1")) == 1
    assert str(table) in capsys.readouterr().err
    assert run(words(data, "rebuild")) == 0 and run(words(data, "sql", "SELECT 1")) == 0


def test_a_rebuild_says_what_has_no_row(data: Path, capsys: Out) -> None:
    path = finished_files(data)[0]
    path.write_bytes(path.read_bytes()[:-5])
    assert run(words(data, "rebuild", "--json")) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["episodes"] == 2 and str(path) in facts["refused"][0]


def test_uploaded_episodes_are_told_and_found_by_a_rebuild(
    data: Path, tmp_path: Path, capsys: Out
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    assert run(words(data, "upload", "--to", str(away))) == 0
    out = capsys.readouterr().out
    assert out.count("moved     file://") == 3 and "3 moved" in out
    assert run(words(data, "info")) == 0
    for path in (data / "catalog").iterdir():
        path.unlink()
    assert run(words(data, "rebuild", "--from", str(away), "--json")) == 0
    assert json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["episodes"] == 3
