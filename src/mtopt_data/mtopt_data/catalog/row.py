"""The columns of the catalog, and an episode's row: its metadata, what follows from it, its file.

A column a field of EpisodeMetadata, so that a new field is a new column. A row depends on the
file alone: whoever makes it, and when, it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from ..metadata import EpisodeMetadata
from ..naming import EpisodeId

Row = dict[str, Any]


class Kind(Enum):
    """What a column holds, as JSON has it. `TIME` is milliseconds since 1970 UTC."""

    TEXT = "str"
    WHOLE = "int"
    REAL = "float"
    TRUTH = "bool"
    TIME = "time"
    TEXTS = "Mapping[str, str]"
    WHOLES = "Mapping[str, int]"
    REALS = "Mapping[str, float]"
    TRUTHS = "Mapping[str, bool]"


@dataclass(frozen=True)
class Column:
    """A column's name, kind, and what it says."""

    name: str
    kind: Kind
    text: str = "as in the episode's metadata"


@dataclass(frozen=True)
class FileFacts:
    """What is known of a file beside its metadata.

    `path` is relative to the data folder, or the address that the file was moved to. `crc` is
    the CRC-32 of the data section and that of the summary, 16 hex digits: together they cover
    every byte.
    """

    path: str
    size_bytes: int
    crc: str


_DERIVED = (
    Column("opened", Kind.TIME, "wall clock at opening, UTC"),
    Column("succeeded", Kind.TRUTH, "whether its own task was fulfilled; null if not graded"),
    Column("task_probability", Kind.REAL, "the grader's probability for its own task"),
    Column("ordinary", Kind.TRUTH, "whether it ran to its own end, without a fault"),
    Column("duration_s", Kind.REAL, "from start to end in the cell's clock, s"),
    Column("messages", Kind.WHOLE, "messages in the file"),
    Column("dropped", Kind.WHOLE, "messages that the recorder knows it lost"),
    Column("relabelled", Kind.TEXT, "who corrected its outcome; empty: nobody"),
)
_FILE = (
    Column("path", Kind.TEXT, "below the data folder, or the address it was moved to"),
    Column("size_bytes", Kind.WHOLE, "size of the file"),
    Column("crc", Kind.TEXT, "CRC-32 of data section and summary, as in the file"),
)
COLUMNS = (
    *(Column(item.name, Kind(str(item.type))) for item in fields(EpisodeMetadata)),
    *_DERIVED,
    *_FILE,
)


def row_of(metadata: EpisodeMetadata, file: FileFacts) -> Row:
    """The row of an episode; mappings with sorted keys, values as their columns have them."""
    values = {item.name: getattr(metadata, item.name) for item in fields(metadata)}
    values |= {
        "opened": EpisodeId.parse(metadata.episode_id).opened_ms,
        "succeeded": metadata.succeeded,
        "task_probability": metadata.probability.get(metadata.task),
        "ordinary": metadata.ordinary,
        "duration_s": (metadata.ended_ns - metadata.started_ns) / 1e9,
        "messages": sum(metadata.frames.values()),
        "dropped": sum(metadata.drops.values()),
        "relabelled": "",
        "path": file.path,
        "size_bytes": file.size_bytes,
        "crc": file.crc,
    }
    return {column.name: _plain(values[column.name], column.kind) for column in COLUMNS}


def crc_text(data_crc: int, summary_crc: int) -> str:
    """Both checksums of a file as the column `crc` has them."""
    return f"{data_crc:08x}{summary_crc:08x}"


def is_remote(path: str) -> bool:
    """Whether a row's path is an address rather than a file below the data folder."""
    return "://" in path


def _plain(value: Any, kind: Kind) -> Any:
    if isinstance(value, Mapping):
        real = kind is Kind.REALS
        return {key: float(value[key]) if real else value[key] for key in sorted(value)}
    return float(value) if kind is Kind.REAL and value is not None else value
