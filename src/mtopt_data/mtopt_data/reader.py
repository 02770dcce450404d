"""An episode file as its metadata and its messages, every checksum checked on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.summary import Summary
from mcap_ros2.decoder import DecoderFactory

from .errors import ChannelUnknown, EpisodeDamaged, EpisodeMissing
from .framing import PARSE_ERRORS
from .metadata import EPISODE_RECORD, START_RECORD, EpisodeMetadata, EpisodeStart


@dataclass(frozen=True, eq=False)
class Recorded:
    """One message: `data` is its CDR bytes; times in nanoseconds of the cell's clock."""

    topic: str
    type_name: str
    log_ns: int
    publish_ns: int
    data: bytes


@dataclass(frozen=True, eq=False)
class Decoded:
    """One message with its fields as attributes of `message`, named as in its definition."""

    topic: str
    type_name: str
    log_ns: int
    publish_ns: int
    message: Any


class EpisodeReader:
    """A finished episode file, open for reading.

    Raises EpisodeMissing if there is none, and EpisodeDamaged, here or while iterating, where
    the bytes are not what was written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise EpisodeMissing(f"{path}: cannot be read: {error.strerror or error}") from error
        try:
            self._reader, self._summary = self._begin()
        except EpisodeDamaged:
            self._file.close()
            raise

    def _begin(self) -> tuple[SeekingReader, Summary]:
        try:
            reader = SeekingReader(
                self._file, validate_crcs=True, decoder_factories=[DecoderFactory()]
            )
            summary = reader.get_summary()
        except (*PARSE_ERRORS, OSError) as error:
            raise self._damaged(error) from error
        if summary is None or summary.statistics is None:
            raise self._damaged(McapError("it was never closed"))
        return reader, summary

    @property
    def summary(self) -> Summary:
        """The summary section as the mcap package reads it: statistics, channels, indexes."""
        return self._summary

    @property
    def channels(self) -> dict[str, str]:
        """Type name by topic."""
        schemas = self._summary.schemas
        found = self._summary.channels.values()
        return {channel.topic: schemas[channel.schema_id].name for channel in found}

    def map(self, name: str) -> Mapping[str, str]:
        """The string map of a Metadata record; raises EpisodeDamaged if there is none."""
        try:
            for record in self._reader.iter_metadata():
                if record.name == name:
                    return record.metadata
        except PARSE_ERRORS as error:
            raise self._damaged(error) from error
        raise self._damaged(McapError(f"metadata record {name} is missing"))

    @property
    def metadata(self) -> EpisodeMetadata:
        """What is known of the episode; raises EpisodeDamaged, MetadataInvalid."""
        return EpisodeMetadata.from_map(self.map(EPISODE_RECORD))

    @property
    def start(self) -> EpisodeStart:
        """What was known when it began; raises EpisodeDamaged, MetadataInvalid."""
        return EpisodeStart.from_map(self.map(START_RECORD))

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Recorded]:
        """The messages of some topics (of all without a choice), in order of log time."""
        wanted = self._wanted(topics)
        try:
            for schema, channel, message in self._reader.iter_messages(wanted):
                name = schema.name if schema else ""
                yield Recorded(
                    channel.topic, name, message.log_time, message.publish_time, message.data
                )
        except PARSE_ERRORS as error:
            raise self._damaged(error) from error

    def decoded(self, topics: Iterable[str] | None = None) -> Iterator[Decoded]:
        """The same, decoded by the definitions in the file."""
        wanted = self._wanted(topics)
        try:
            for item in self._reader.iter_decoded_messages(wanted):
                name, message = item.schema.name if item.schema else "", item.message
                yield Decoded(
                    item.channel.topic,
                    name,
                    message.log_time,
                    message.publish_time,
                    item.decoded_message,
                )
        except PARSE_ERRORS as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _wanted(self, topics: Iterable[str] | None) -> list[str] | None:
        if topics is None:
            return None
        wanted = list(topics)
        for topic in wanted:
            if topic not in self.channels:
                known = ", ".join(sorted(self.channels))
                raise ChannelUnknown(f"{self.path}: no topic {topic}; topics: {known}")
        return wanted

    def _damaged(self, error: Exception) -> EpisodeDamaged:
        return EpisodeDamaged(f"{self.path}: {error or type(error).__name__}")


def read_metadata(path: str | Path) -> EpisodeMetadata:
    """The metadata of an episode file, without reading its messages."""
    with EpisodeReader(path) as reader:
        return reader.metadata
