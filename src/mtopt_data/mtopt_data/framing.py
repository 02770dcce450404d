"""MCAP records as they lie in a file, checked one by one.

The readers of the mcap package want a whole file; these functions say exactly how far a
cut or altered one goes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.records import Chunk, McapRecord
from mcap.stream_reader import breakup_chunk

from .errors import EpisodeDamaged

MAGIC = b"\x89MCAP0\r\n"
FRAME_BYTES = 9  # an opcode and a 64-bit length before each record
MAX_CHUNK_BYTES = 1 << 30

# what mcap's parsing raises on altered bytes
PARSE_ERRORS = (
    McapError,
    zstandard.ZstdError,
    struct.error,
    ValueError,
    LookupError,
    MemoryError,
    OverflowError,
)


@dataclass(frozen=True, eq=False)
class RawRecord:
    """One record: where it starts in the file, its opcode, its content."""

    offset: int
    opcode: int
    body: bytes

    @property
    def end(self) -> int:
        """Offset of the first byte behind the record."""
        return self.offset + FRAME_BYTES + len(self.body)

    @property
    def frame(self) -> bytes:
        """The opcode and length before the content, as they lie in the file."""
        return struct.pack("<BQ", self.opcode, len(self.body))

    def stream(self) -> ReadDataStream:
        """The content as mcap's record classes read it."""
        return ReadDataStream(BytesIO(self.body))


def iter_records(stream: BinaryIO, size: int) -> Iterator[RawRecord]:
    """The records behind the opening magic, up to the closing one; the stream is at its start.

    Raises EpisodeDamaged with the offset where the file stops being whole records.
    """
    if stream.read(len(MAGIC)) != MAGIC:
        raise EpisodeDamaged("does not begin as an MCAP file does")
    offset = len(MAGIC)
    while True:
        head = stream.read(FRAME_BYTES)
        if head == MAGIC and offset + len(MAGIC) == size:
            return
        if len(head) < FRAME_BYTES:
            raise EpisodeDamaged(f"ends at byte {size} without its closing record")
        opcode, length = struct.unpack("<BQ", head)
        if length > size - offset - FRAME_BYTES:
            raise EpisodeDamaged(f"record at byte {offset} is cut short at byte {size}")
        record = RawRecord(offset, opcode, stream.read(length))
        yield record
        offset = record.end


def open_chunk(record: RawRecord) -> list[McapRecord]:
    """The schemas, channels and messages of a chunk; raises EpisodeDamaged if any bit is off."""
    where = f"chunk at byte {record.offset}"
    try:
        chunk = Chunk.read(record.stream())
        _check_sizes(chunk, where)
        return breakup_chunk(chunk, validate_crc=True)
    except PARSE_ERRORS as error:
        raise EpisodeDamaged(f"{where}: {error or type(error).__name__}") from error


def _check_sizes(chunk: Chunk, where: str) -> None:
    if chunk.uncompressed_crc == 0:
        raise EpisodeDamaged(f"{where}: has no checksum")
    if chunk.uncompressed_size > MAX_CHUNK_BYTES:
        raise EpisodeDamaged(f"{where}: claims {chunk.uncompressed_size} bytes")
    if chunk.compression == "zstd":
        inside = zstandard.frame_content_size(chunk.data)
        if inside != chunk.uncompressed_size:
            raise EpisodeDamaged(f"{where}: sizes differ: {inside}, {chunk.uncompressed_size}")
