"""An episode's metadata from the last bytes of its file: for looking at many files.

Reads a file's end, which says where everything is, and checks the checksum over that. The
messages are neither read nor checked; verification does that.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import DataEnd, Metadata, MetadataIndex

from .errors import EpisodeDamaged, EpisodeMissing
from .framing import FRAME_BYTES, MAGIC, PARSE_ERRORS
from .metadata import EPISODE_RECORD, EpisodeMetadata

_AT_ONCE_BYTES = 1 << 16
_FOOTER = struct.Struct("<BQQQI")  # opcode, length, start of summary and of its offsets, CRC
_END_BYTES = _FOOTER.size + len(MAGIC)
_DATA_END_BYTES = FRAME_BYTES + 4


@dataclass(frozen=True, eq=False)
class Tail:
    """What a file's end says. `data_crc` covers the first `data_bytes` of it."""

    metadata: EpisodeMetadata
    size_bytes: int
    data_bytes: int
    data_crc: int
    summary_crc: int


def read_tail(path: Path) -> Tail:
    """The end of a finished file.

    Raises EpisodeMissing, EpisodeDamaged (never closed, cut, altered), MetadataInvalid.
    """
    try:
        with path.open("rb") as stream:
            return tail_of(stream, path.stat().st_size, str(path))
    except OSError as error:
        raise EpisodeMissing(f"{path}: cannot be read: {error.strerror or error}") from error


def tail_of(stream: BinaryIO, size: int, name: str) -> Tail:
    """The same of an open file of `size` bytes; `name` is for the messages of errors."""
    try:
        return _read(_End(stream, size), size)
    except EpisodeDamaged as error:
        raise EpisodeDamaged(f"{name}: {error}") from error
    except PARSE_ERRORS as error:
        raise EpisodeDamaged(f"{name}: its end cannot be read ({error!r})") from error


class _End:
    """The last bytes of a stream in memory; what lies before them is read when asked for."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._start = stream, max(0, size - _AT_ONCE_BYTES)
        self._bytes = self._read(self._start, size - self._start)

    def part(self, offset: int, length: int) -> bytes:
        """Some bytes by their place in the file; raises EpisodeDamaged where there are none."""
        if offset < 0 or length < 0:
            raise EpisodeDamaged(f"names byte {offset}, which is not in it")
        if offset >= self._start:
            found = self._bytes[offset - self._start : offset - self._start + length]
        else:
            found = self._read(offset, length)
        if len(found) != length:
            raise EpisodeDamaged(f"ends before byte {offset + length}, which it names")
        return found

    def _read(self, offset: int, length: int) -> bytes:
        self._stream.seek(offset)
        return self._stream.read(length)


def _read(end: _End, size: int) -> Tail:
    last = end.part(size - _END_BYTES, _END_BYTES)
    opcode, _, start, _, crc = _FOOTER.unpack(last[: _FOOTER.size])
    if last[_FOOTER.size :] != MAGIC or opcode != Opcode.FOOTER or not start:
        raise EpisodeDamaged(f"ends at byte {size} without its closing record")
    summary = end.part(start, size - _END_BYTES - start)
    found = zlib.crc32(last[: _FOOTER.size - 4], zlib.crc32(summary))
    if found != crc:
        raise EpisodeDamaged(f"summary: checksum {found}, the file says {crc}")
    data_bytes = start - _DATA_END_BYTES
    data_end = DataEnd.read(_stream(end.part(data_bytes + FRAME_BYTES, 4)))
    place = _place(summary)
    record = end.part(place.offset, place.length)
    values = Metadata.read(_stream(record[FRAME_BYTES:])).metadata
    metadata = EpisodeMetadata.from_map(values)
    return Tail(metadata, size, data_bytes, data_end.data_section_crc, crc)


def _place(summary: bytes) -> MetadataIndex:
    """Where the summary says that the episode's metadata is."""
    offset = 0
    while offset + FRAME_BYTES <= len(summary):
        opcode, length = struct.unpack_from("<BQ", summary, offset)
        offset += FRAME_BYTES
        if opcode == Opcode.METADATA_INDEX:
            index = MetadataIndex.read(_stream(summary[offset : offset + length]))
            if index.name == EPISODE_RECORD:
                return index
        offset += length
    raise EpisodeDamaged(f"metadata record {EPISODE_RECORD}: missing")


def _stream(data: bytes) -> ReadDataStream:
    return ReadDataStream(BytesIO(data))
