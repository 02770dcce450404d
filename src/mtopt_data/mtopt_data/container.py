"""Messages into MCAP bytes: channels, chunks, checksums. Knows no file names and no folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mcap.well_known import MessageEncoding, Profile
from mcap.writer import CompressionType, Writer

from . import __version__
from .errors import ChannelConflict, ChannelUnknown, MessageInvalid
from .schema import ENCODING, split_type

LIBRARY = f"mtopt {__version__}"
CHUNK_BYTES = 1 << 20

_UINT64_MAX = 2**64 - 1


class Sink(Protocol):
    """Where bytes go; every `write` gets whole MCAP records."""

    def write(self, data: bytes, /) -> int:
        """Append all of `data`."""
        ...

    def tell(self) -> int:
        """Bytes written so far."""
        ...

    def flush(self) -> None:
        """Hand everything to the operating system."""
        ...


class Container:
    """An open MCAP file of CDR messages with profile "ros2", zstd chunks and all checksums.

    A chunk is closed when it holds `chunk_bytes`, or when its messages span `chunk_ns` of log
    time: what is lost with the process is never more than that.
    """

    def __init__(
        self, sink: Sink, chunk_bytes: int = CHUNK_BYTES, chunk_ns: int = 1_000_000_000
    ) -> None:
        self._writer = Writer(
            sink,  # mcap asks for IO, and uses write, tell and flush
            chunk_size=chunk_bytes,
            compression=CompressionType.ZSTD,
            enable_crcs=True,
            enable_data_crcs=True,
        )
        self._writer.start(profile=Profile.ROS2, library=LIBRARY)
        self._chunk_ns = chunk_ns
        self._chunk_began_ns: int | None = None
        self._schemas: dict[str, tuple[int, str]] = {}
        self._channels: dict[str, tuple[int, str]] = {}
        self._counts: dict[str, int] = {}

    @property
    def counts(self) -> dict[str, int]:
        """Messages written by topic."""
        return dict(self._counts)

    def add_channel(
        self, topic: str, type_name: str, definition: str, notes: Mapping[str, str]
    ) -> None:
        """Announce a topic; again with the same type is no change. Raises ChannelConflict."""
        split_type(type_name)
        if not topic:
            raise ChannelConflict(f"a channel of {type_name} has no topic name")
        if topic in self._channels:
            if self._channels[topic][1] != type_name:
                raise ChannelConflict(
                    f"topic {topic} is {self._channels[topic][1]}, cannot also be {type_name}"
                )
            return
        schema_id = self._schema(type_name, definition)
        channel = self._writer.register_channel(topic, MessageEncoding.CDR, schema_id, dict(notes))
        self._channels[topic] = (channel, type_name)
        self._counts[topic] = 0

    def write(self, topic: str, data: bytes, log_ns: int, publish_ns: int) -> None:
        """Append one CDR message. Raises ChannelUnknown, MessageInvalid."""
        if topic not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            raise ChannelUnknown(f"topic {topic} was not announced; topics: {known}")
        if not 0 <= log_ns <= _UINT64_MAX or not 0 <= publish_ns <= _UINT64_MAX:
            raise MessageInvalid(
                f"topic {topic}: time stamps {log_ns}, {publish_ns} ns: not a time"
            )
        if not data:
            raise MessageInvalid(f"topic {topic}: the message has no bytes")
        self._close_old_chunk(log_ns)
        channel = self._channels[topic][0]
        self._writer.add_message(channel, log_ns, data, publish_ns, self._counts[topic])
        self._counts[topic] += 1

    def add_metadata(self, name: str, values: Mapping[str, str]) -> None:
        """Append a string map; the open chunk goes out first, so that order in file is time."""
        self.flush()
        self._writer.add_metadata(name, dict(values))

    def flush(self) -> None:
        """Close the open chunk."""
        self._writer.flush()
        self._chunk_began_ns = None

    def finish(self) -> None:
        """Close the open chunk, write summary, indexes and footer."""
        self._writer.finish()

    def _schema(self, type_name: str, definition: str) -> int:
        if type_name not in self._schemas:
            number = self._writer.register_schema(type_name, ENCODING, definition.encode())
            self._schemas[type_name] = (number, definition)
        number, known = self._schemas[type_name]
        if known != definition:
            raise ChannelConflict(f"type {type_name} was announced with another definition")
        return number

    def _close_old_chunk(self, log_ns: int) -> None:
        if self._chunk_began_ns is None:
            self._chunk_began_ns = log_ns
        elif abs(log_ns - self._chunk_began_ns) > self._chunk_ns:
            self.flush()
            self._chunk_began_ns = log_ns
