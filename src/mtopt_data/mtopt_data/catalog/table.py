"""The rows up to the last compaction: a Parquet file with a checksum on every page.

It is made beside the old one and takes its place when it is whole, so that an end at any
moment leaves one or the other. Equal rows make an equal file, byte for byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CatalogDamaged, CatalogMissing
from ..partfile import named, sync_folder
from . import journal
from .row import COLUMNS, Kind, Row

if TYPE_CHECKING:
    import pyarrow

_ROWS_AT_ONCE = 10_000
COMPACT_BYTES = 1_000_000
"""Journal size from which a reader folds it in."""


def load(root: Path) -> pyarrow.Table:
    """Every row, in no order. Raises CatalogMissing, CatalogDamaged."""
    if not journal.folder(root).is_dir():
        raise CatalogMissing(f"{root}: has no catalog; `data rebuild` makes it from the files")
    new = journal.read(root).rows
    return _joined(_read(root), new)


def row_of_id(root: Path, episode_id: str) -> Row | None:
    """An episode's row; None where it has none. Raises CatalogDamaged."""
    import pyarrow.compute as pc

    found = load(root)
    found = found.filter(pc.equal(found["episode_id"], episode_id))
    rows = [{name: _plain(value) for name, value in row.items()} for row in found.to_pylist()]
    return rows[0] if rows else None


def compact(root: Path, *, wait: bool = True) -> None:
    """Fold the journal into the table.

    Raises CatalogDamaged, FolderNotWritable, DiskFull; CatalogBusy if it need not wait.
    """
    with journal.remaking(root, wait=wait):
        done = journal.rotate(root)
        rows = journal.read(root).rows
        _write(root, _joined(_read(root), rows).sort_by("episode_id").combine_chunks())
        _drop(root, done)


def replace(root: Path, rows: Iterable[Row], folded: list[Path]) -> int:
    """Make the table anew of rows sorted by id; their number.

    `folded` are the rotated files of the journal whose episodes are among the rows. For those
    who hold `journal.remaking`. Raises FolderNotWritable, DiskFull.
    """
    table = table_of(rows)
    _write(root, table)
    _drop(root, folded)
    return int(table.num_rows)


def table_of(rows: Iterable[Row]) -> pyarrow.Table:
    """Rows as an Arrow table with the columns' types."""
    import pyarrow as pa

    batches = [_batch(part) for part in _parts(rows)]
    return pa.concat_tables([schema().empty_table(), *batches]).combine_chunks()


def schema() -> pyarrow.Schema:
    """The columns with their Arrow types."""
    import pyarrow as pa

    plain: dict[Kind, pa.DataType] = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.REAL: pa.float64(),
        Kind.TRUTH: pa.bool_(),
        Kind.TIME: pa.timestamp("ms"),
        Kind.TEXTS: pa.map_(pa.string(), pa.string()),
        Kind.WHOLES: pa.map_(pa.string(), pa.int64()),
        Kind.REALS: pa.map_(pa.string(), pa.float64()),
        Kind.TRUTHS: pa.map_(pa.string(), pa.bool_()),
    }
    return pa.schema([(column.name, plain[column.kind]) for column in COLUMNS])


def _batch(rows: list[Row]) -> pyarrow.Table:
    import pyarrow as pa

    arrays = [
        pa.array([_cell(row.get(field.name)) for row in rows], type=field.type)
        for field in schema()
    ]
    return pa.Table.from_arrays(arrays, schema=schema())


def _cell(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    """A value of the table as the journal has it: maps as dicts, times in milliseconds."""
    if isinstance(value, list):
        return dict(value)
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)
    return value


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _joined(old: pyarrow.Table, new: dict[str, Row]) -> pyarrow.Table:
    """The old rows with the new ones in their place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not new:
        return old
    kept = _kept_places(old, new)
    alive = [row for row in kept.values() if not journal.is_gone(row)]
    replaced = pc.is_in(old["episode_id"], value_set=pa.array(list(kept), pa.string()))
    if pc.any(replaced).as_py():
        old = old.filter(pc.invert(replaced))
    return pa.concat_tables([old, table_of(alive)])


def _kept_places(old: pyarrow.Table, new: dict[str, Row]) -> dict[str, Row]:
    """The new rows, without those that would take an episode's address from it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moved = pc.and_(
        pc.is_in(old["episode_id"], value_set=pa.array(list(new), pa.string())),
        pc.match_substring(old["path"], "://"),
    )
    away = set(old.filter(moved)["episode_id"].to_pylist())
    return {
        episode: row
        for episode, row in new.items()
        if episode not in away or journal.is_remote(row["path"])
    }


def _read(root: Path) -> pyarrow.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = journal.folder(root) / journal.TABLE
    if not path.exists():
        if (journal.folder(root) / journal.PLACES).exists():
            raise CatalogDamaged(f"{path}: is missing; `data rebuild` makes it from the files")
        return schema().empty_table()
    try:
        table = pq.read_table(path, page_checksum_verification=True, use_threads=False)
        return _in_our_columns(table)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise CatalogDamaged(
            f"{path}: damaged ({reason}); `data rebuild` makes it from the files"
        ) from error


def _in_our_columns(table: pyarrow.Table) -> pyarrow.Table:
    """As this version has them: an older one may have had fewer."""
    import pyarrow as pa

    arrays = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema()
    ]
    return pa.Table.from_arrays(arrays, schema=schema())


def _write(root: Path, table: pyarrow.Table) -> None:
    import pyarrow.parquet as pq

    path = journal.folder(root) / journal.TABLE
    unfinished = path.with_name(f"{path.name}.new")
    try:
        pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)
        _settle(unfinished, path)
        _write_places(root, table)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise named(error, path) from error


def _write_places(root: Path, table: pyarrow.Table) -> None:
    pairs = zip(table["episode_id"].to_pylist(), table["path"].to_pylist(), strict=True)
    text = "".join(f"{episode} {place}\n" for episode, place in pairs)
    put_in_place(journal.folder(root) / journal.PLACES, text)


def put_in_place(path: Path, text: str) -> None:
    """A small file, whole or as it was before; raises FolderNotWritable, DiskFull."""
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.write_text(text, encoding="utf-8")
        _settle(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise named(error, path) from error


def _settle(unfinished: Path, path: Path) -> None:
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(unfinished, path)
    sync_folder(path.parent)


def _drop(root: Path, folded: list[Path]) -> None:
    for path in folded:
        path.unlink(missing_ok=True)
    sync_folder(journal.folder(root))
