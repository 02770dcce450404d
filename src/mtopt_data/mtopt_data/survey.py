"""One pass over an episode file: everything in it counted, every checksum computed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Message,
    Metadata,
    Schema,
    Statistics,
)

from .errors import EpisodeDamaged, EpisodeMissing
from .framing import MAGIC, PARSE_ERRORS, RawRecord, iter_records, open_chunk

_FOOTER_CRC_BYTES = 4


@dataclass(eq=False)
class ChannelTally:
    """One topic's messages as found. Times are log times, nanoseconds; `backward` counts
    messages logged with an earlier time than the one before them."""

    topic: str
    type_name: str
    count: int = 0
    size_bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    backward: int = 0

    def add(self, message: Message) -> None:
        """Count one message."""
        if self.count and message.log_time < self.last_ns:
            self.backward += 1
        self.first_ns = min(self.first_ns, message.log_time) if self.count else message.log_time
        self.last_ns = message.log_time
        self.count += 1
        self.size_bytes += len(message.data)

    @property
    def rate_hz(self) -> float:
        """Mean rate between the first and the last message, 0 where there is no such thing."""
        span_ns = self.last_ns - self.first_ns
        return (self.count - 1) * 1e9 / span_ns if self.count > 1 and span_ns > 0 else 0.0


@dataclass(eq=False)
class Survey:
    """What a file holds, and in `damage` every way in which it is not whole."""

    size_bytes: int
    profile: str = ""
    library: str = ""
    tallies: dict[int, ChannelTally] = field(default_factory=dict)
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    chunk_offsets: list[int] = field(default_factory=list)
    indexed_offsets: list[int] = field(default_factory=list)
    statistics: Statistics | None = None
    summary_start: int = 0
    data_crc: int = 0
    summary_crc: int = 0
    first_ns: int = 0
    last_ns: int = 0
    damage: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        """Messages in all channels."""
        return sum(tally.count for tally in self.tallies.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages by topic."""
        return {tally.topic: tally.count for tally in self.tallies.values()}

    @property
    def duration_s(self) -> float:
        """Between the first and the last message, in log time."""
        return (self.last_ns - self.first_ns) / 1e9


def survey_file(path: Path) -> Survey:
    """Read a whole file; raises EpisodeMissing if it cannot be opened."""
    try:
        with path.open("rb") as stream:
            return survey(stream, path.stat().st_size)
    except OSError as error:
        raise EpisodeMissing(f"{path}: cannot be read: {error.strerror or error}") from error


def survey(stream: BinaryIO, size: int) -> Survey:
    """Read a whole file of `size` bytes from its start; damage is reported, never raised."""
    return _Surveyor(size).walk(stream)


class _Surveyor:
    """The pass itself: a survey under way and the checksums so far."""

    def __init__(self, size: int) -> None:
        self.found = Survey(size)
        self.schemas: dict[int, Schema] = {}
        self.crc = zlib.crc32(MAGIC)
        self.closed = False

    def walk(self, stream: BinaryIO) -> Survey:
        try:
            for record in iter_records(stream, self.found.size_bytes):
                self.take(record)
        except EpisodeDamaged as error:
            self.found.damage.append(str(error))
        if not self.found.damage:
            self.found.damage.extend(_contradictions(self.found, self.closed))
        return self.found

    def take(self, record: RawRecord) -> None:
        try:
            if record.opcode == Opcode.DATA_END:
                self.end_data(record)
            elif record.opcode == Opcode.FOOTER:
                self.end_file(record)
            else:
                self.crc = zlib.crc32(record.body, zlib.crc32(record.frame, self.crc))
                self.read(record)
        except PARSE_ERRORS as error:
            reason = str(error) or type(error).__name__
            self.found.damage.append(f"record at byte {record.offset}: {reason}")
        except EpisodeDamaged as error:
            self.found.damage.append(str(error))

    def end_data(self, record: RawRecord) -> None:
        stored = self.found.data_crc = DataEnd.read(record.stream()).data_section_crc
        if stored != self.crc:
            self.found.damage.append(f"data section: checksum {self.crc}, the file says {stored}")
        self.found.summary_start = record.end
        self.crc = 0

    def end_file(self, record: RawRecord) -> None:
        footer = Footer.read(record.stream())
        self.found.summary_crc = footer.summary_crc
        checked = record.frame + record.body[:-_FOOTER_CRC_BYTES]
        self.crc = zlib.crc32(checked, self.crc)
        if footer.summary_crc != self.crc:
            self.found.damage.append(
                f"summary: checksum {self.crc}, the file says {footer.summary_crc}"
            )
        if footer.summary_start != self.found.summary_start:
            self.found.damage.append(f"summary: not at byte {footer.summary_start}")
        self.closed = True

    def read(self, record: RawRecord) -> None:
        found = self.found
        if record.opcode == Opcode.HEADER:
            header = Header.read(record.stream())
            found.profile, found.library = header.profile, header.library
        elif record.opcode == Opcode.CHUNK:
            found.chunk_offsets.append(record.offset)
            for inner in open_chunk(record):
                self.count(inner)
        elif record.opcode == Opcode.METADATA:
            metadata = Metadata.read(record.stream())
            found.maps[metadata.name] = metadata.metadata
        elif record.opcode == Opcode.STATISTICS:
            found.statistics = Statistics.read(record.stream())
        elif record.opcode == Opcode.CHUNK_INDEX:
            found.indexed_offsets.append(ChunkIndex.read(record.stream()).chunk_start_offset)
        elif record.opcode == Opcode.SCHEMA:
            self.count(Schema.read(record.stream()))
        elif record.opcode == Opcode.CHANNEL:
            self.count(Channel.read(record.stream()))

    def count(self, record: McapRecord) -> None:
        found = self.found
        if isinstance(record, Schema):
            self.schemas[record.id] = record
        elif isinstance(record, Channel) and record.id not in found.tallies:
            type_name = self.schemas[record.schema_id].name
            found.tallies[record.id] = ChannelTally(record.topic, type_name)
        elif isinstance(record, Message):
            first = found.messages == 0
            found.tallies[record.channel_id].add(record)
            found.first_ns = record.log_time if first else min(found.first_ns, record.log_time)
            found.last_ns = max(found.last_ns, record.log_time)


def _contradictions(found: Survey, closed: bool) -> list[str]:
    """Where what the file says of itself is not what it holds."""
    if not closed or found.statistics is None:
        return ["has no footer or no statistics: it was never closed"]
    said = found.statistics
    pairs = {
        "messages": (said.message_count, found.messages),
        "channels": (said.channel_count, len(found.tallies)),
        "chunks": (said.chunk_count, len(found.chunk_offsets)),
        "metadata records": (said.metadata_count, len(found.maps)),
        "chunk offsets": (found.indexed_offsets, found.chunk_offsets),
        "first log time": (said.message_start_time, found.first_ns),
        "last log time": (said.message_end_time, found.last_ns),
    }
    for channel, tally in found.tallies.items():
        counted = said.channel_message_counts.get(channel, 0)
        pairs[f"messages of {tally.topic}"] = (counted, tally.count)
    return [f"{what}: the file says {a}, it holds {b}" for what, (a, b) in pairs.items() if a != b]
