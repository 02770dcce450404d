"""Bench `catalog`: SQL over 100,000 episodes, beside reading the metadata of as many files.

The rows are made up; appending, compacting and asking are the product's own. Rebuilding and the
naive way are measured on real files, fewer of them, and told as a rate and as the time that
100,000 would take.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from mtopt_data.catalog import journal, query, table
from mtopt_data.catalog.rebuild import rebuild
from mtopt_data.catalog.row import FileFacts, Row, row_of
from mtopt_data.metadata import EpisodeMetadata, EpisodeStart
from mtopt_data.naming import EpisodeId, finished_files
from mtopt_data.reader import read_metadata
from mtopt_data.writer import EpisodeWriter

from .report import Goal, Report

ROWS = 100_000
APPENDED = 500
FILES = 200
_SINCE_MS = 1_780_000_000_000
_TASKS = ("lift-any", "lift-banana", "lift-can", "lift-carrot", "place-any", "place-bottom")
_QUERIES = (
    "SELECT count(*) FROM episodes",
    "SELECT task, count(*), avg(succeeded::INT) FROM episodes GROUP BY task ORDER BY 2 DESC",
    "SELECT cell, date_trunc('day', opened), count(*), sum(dropped) FROM episodes GROUP BY ALL",
    "SELECT task, count_if(success['lift-any']) FROM episodes WHERE steps > 5 GROUP BY task",
    "SELECT path FROM episodes WHERE succeeded AND policy_model = 'q' ORDER BY opened DESC LIMIT 9",
)
_GOALS = {
    "query_s": Goal(at_most=1.0),
    "append_per_s": Goal(at_least=100.0),
    "rebuild_per_s": Goal(at_least=200.0),
}


def measure() -> Report:
    """`query_s` is the slowest of some statements, from opening the catalog to the answer."""
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        root = Path(folder)
        with journal.remaking(root):
            table.replace(root, (made_up(number) for number in range(ROWS)), [])
        journal_rows = [made_up(ROWS + number) for number in range(APPENDED)]
        append_s = _timed(partial(_append, root, journal_rows))
        query.ask(root, _QUERIES[0])  # imports
        query_s = max(_timed(partial(query.ask, root, sql)) for sql in _QUERIES)
        compact_s = _timed(lambda: table.compact(root))
        size = (root / "catalog" / journal.TABLE).stat().st_size
        files = root / "files"
        _write_files(files)
        rebuild_s = _timed(lambda: rebuild(files))
        naive_s = _timed(lambda: [read_metadata(path) for path in finished_files(files)])
    figures = {
        "query_s": query_s,
        "append_per_s": APPENDED / append_s,
        "rebuild_per_s": FILES / rebuild_s,
        "rebuild_100k_s": ROWS / FILES * rebuild_s,
        "compact_s": compact_s,
        "naive_per_s": FILES / naive_s,
        "naive_100k_s": ROWS / FILES * naive_s,
        "naive_ratio": ROWS / FILES * naive_s / query_s,
        "catalog_mb": size / 1e6,
    }
    return Report("catalog", {name: round(value, 4) for name, value in figures.items()}, _GOALS)


def _append(root: Path, rows: list[Row]) -> None:
    for row in rows:
        journal.append(root, [row])


def made_up(number: int) -> Row:
    """The row of an episode that never was; the same for the same number."""
    rng = random.Random(number)
    metadata = _metadata(number, rng)
    frames = {f"/{metadata.cell}/joint_states": 2500, f"/{metadata.cell}/episode/step": 9}
    path = EpisodeId.parse(metadata.episode_id).path(Path())
    facts = FileFacts(path.as_posix(), rng.randrange(10**6, 10**7), f"{rng.getrandbits(64):016x}")
    return row_of(replace(metadata, frames=frames), facts)


def _metadata(number: int, rng: random.Random) -> EpisodeMetadata:
    cell, task = f"cell{number % 7 + 1}", rng.choice(_TASKS)
    verdicts = {name: rng.random() < 0.3 for name in _TASKS}
    start = EpisodeStart(
        episode_id=str(EpisodeId(_SINCE_MS + 3700 * number, cell, f"{number:08x}")),
        cell=cell,
        task=task,
        skill=task.partition("-")[0],
        robot_serial=f"SIM-{cell}",
        operator=rng.choice(("ada", "grace", "")),
        calibration_hash="c0ffee",
        software_version="0.1.0",
        seed=number,
        started_ns=10**9 * number,
        policy_model=rng.choice(("q", "")),
    )
    steps = rng.randint(1, 20)
    return start.finished(
        ended_ns=10**9 * (number + 2 * steps),
        steps=steps,
        end_reason=rng.choice(("terminated", "step_limit")),
        success=verdicts,
        probability={name: float(verdict) for name, verdict in verdicts.items()},
        sources={"scripted": steps},
    )


def _write_files(root: Path) -> None:
    """Small real episodes: one is written, the others follow with little in them."""
    for number in range(FILES):
        metadata = _metadata(number, random.Random(number))
        start = EpisodeStart(**{f.name: getattr(metadata, f.name) for f in fields(EpisodeStart)})
        writer = EpisodeWriter(root, start)
        writer.add_channel(f"/{start.cell}/text", "std_msgs/msg/String", "string data\n")
        writer.write(f"/{start.cell}/text", b"\0\1\0\0\1\0\0\0\0", 1, 1)
        writer.close(metadata)
    shutil.rmtree(journal.folder(root))


def _timed(job: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    job()
    return time.perf_counter() - began_s
