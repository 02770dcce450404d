"""SQL: answers in plain values, and mistakes in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtopt_data.catalog.query import ask
from mtopt_data.errors import QueryInvalid


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nope FROM episodes", '"nope" not found'),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nothing", "nothing does not exist"),
        ("", "statement is empty"),
        ("-- a thought", "statement is empty"),
        ("SELECT * FROM read_csv('/etc/hostname')", "disabled by configuration"),
        ("COPY episodes TO '/tmp/mtopt-must-not-be.csv'", "disabled by configuration"),
        ("SELECT * FROM root", "root does not exist"),
    ],
)
def test_a_mistake_is_one_line(record: Any, data: Path, sql: str, said: str) -> None:
    record()
    with pytest.raises(QueryInvalid) as told:
        ask(data, sql)
    assert said in str(told.value) and "\n" not in str(told.value)
    assert not Path("/tmp/mtopt-must-not-be.csv").exists()


def test_mappings_and_groups_can_be_asked_for(record: Any, data: Path) -> None:
    for index in range(6):
        record(cell=f"cell{index % 2 + 1}", won=index < 2)
    answer = ask(
        data,
        "SELECT cell, count(*) AS n, count_if(success['lift-any']) AS won, "
        "sum(sources['scripted'])::INT AS scripted FROM episodes GROUP BY cell ORDER BY cell",
    )
    assert answer.columns == ("cell", "n", "won", "scripted")
    assert answer.rows == [("cell1", 3, 1, 6), ("cell2", 3, 1, 6)]


def test_a_statement_changes_nothing(record: Any, data: Path) -> None:
    record()
    with pytest.raises(QueryInvalid):
        ask(data, "DELETE FROM episodes")
    assert ask(data, "SELECT count(*) FROM episodes").rows == [(1,)]
