"""SQL over the catalog: the table `episodes` in a DuckDB of its own that sees nothing else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, QueryInvalid
from . import journal, table

VIEW = "episodes"


@dataclass(frozen=True, eq=False)
class Answer:
    """The names of the columns and the rows, in plain Python values."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask(root: Path, sql: str) -> Answer:
    """What a statement says of the episodes.

    Raises QueryInvalid (one line that says what is wrong), CatalogMissing, CatalogDamaged.
    """
    import duckdb

    _keep_small(root)
    episodes = table.load(root)
    options = {"python_enable_replacements": "false", "enable_external_access": "false"}
    with duckdb.connect(":memory:", config=options) as database:
        database.register(VIEW, episodes)
        try:
            if not database.extract_statements(sql):
                raise QueryInvalid("the statement is empty; try: SELECT count(*) FROM episodes")
            done = database.execute(sql)
            names = tuple(column[0] for column in done.description or ())
            return Answer(names, done.fetchall() if names else [])
        except duckdb.Error as error:
            raise QueryInvalid(_one_line(str(error))) from error


def _keep_small(root: Path) -> None:
    """Fold a journal that has grown; where that cannot be done now, it is only slower."""
    if journal.size_bytes(root) >= table.COMPACT_BYTES:
        with suppress(DataError):
            table.compact(root, wait=False)


def _one_line(text: str) -> str:
    """DuckDB's message without its picture of the statement."""
    return " ".join(text.partition("\nLINE ")[0].split())
