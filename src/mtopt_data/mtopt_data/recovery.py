"""What a crash left: read as far as it goes, kept apart, and never counted as an episode.

For each file that no living recorder holds:
- it is complete and only its final name is missing: it gets that name ("finished");
- it has whole messages: they go to `quarantine/<id>.mcap` ("recovered"), and the file is read
  again and counted before the remains are deleted;
- it has none: the remains go to `quarantine/<id>.mcap.remains` ("quarantined").
The last two come with `<id>.reason.txt`. Stopped half-way, the next run starts it over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mcap.opcode import Opcode
from mcap.records import Channel, McapRecord, Message, Metadata, Schema

from mtopt_core.cell import EndReason

from .catalog import rebuild
from .container import Container
from .errors import DataError, EpisodeBusy, EpisodeDamaged, EpisodeMissing
from .framing import PARSE_ERRORS, RawRecord, iter_records, open_chunk
from .metadata import EPISODE_RECORD, START_RECORD, EpisodeMetadata, EpisodeStart
from .naming import PART_SUFFIX, QUARANTINE, SUFFIX, id_of, part_files, reason_file
from .partfile import PartFile, folder_lock, give_name, make_folder, named, sync_folder
from .survey import survey_file
from .verification import STEP, verify

REMAINS_SUFFIX = ".remains"
KILLED = "the recorder ended before the episode was closed"
"""Reason given to what is found at a start."""


@dataclass(frozen=True)
class Recovery:
    """What became of one unfinished file: `action` is finished, recovered, quarantined, busy
    (a living recorder has it) or failed (it lies where it was); `path` is where it is now."""

    part: Path
    action: str
    path: Path
    messages: int
    reason: str


def recover_folder(root: str | Path, reason: str = KILLED) -> list[Recovery]:
    """Settle every unfinished file under a data root, in order of ids.

    Raises EpisodeMissing if `root` is no folder. One file's failure (no room for the
    recovered copy, say) is told in its Recovery and does not stop the others.
    """
    root = Path(root)
    if not root.is_dir():
        raise EpisodeMissing(f"{root}: no such folder")
    with folder_lock(root, exclusive=True):
        claims = [(part, _claim(part)) for part in part_files(root)]
    return [_settled(root, part, claim, reason) for part, claim in claims]


def recover_part(root: Path, part: Path, reason: str) -> Recovery:
    """Settle one unfinished file; never raises for what is in it."""
    return _settled(root, part, _claim(part), reason)


def _claim(part: Path) -> PartFile | DataError:
    try:
        id_of(part)
        return PartFile.claim(part)
    except DataError as error:
        return error


def _settled(root: Path, part: Path, claim: PartFile | DataError, reason: str) -> Recovery:
    if isinstance(claim, DataError):
        action = "busy" if isinstance(claim, EpisodeBusy) else "failed"
        return Recovery(part, action, part, 0, str(claim))
    try:
        return _finish(root, part) or _quarantine(root / QUARANTINE, part, reason)
    except DataError as error:
        return Recovery(part, "failed", part, 0, str(error))
    except OSError as error:
        return Recovery(part, "failed", part, 0, str(named(error, part)))
    finally:
        claim.close()


def _finish(root: Path, part: Path) -> Recovery | None:
    """Name a file that is complete, and enter it in the catalog; None where it is not."""
    found = verify(part)
    if found.damage:
        return None
    final = part.with_name(part.name.removesuffix(PART_SUFFIX) + SUFFIX)
    give_name(part, final)
    with suppress(DataError):  # the next start makes up for it
        rebuild.add(root, final, found)
    return Recovery(part, "finished", final, found.survey.messages, "only its name was missing")


def _quarantine(folder: Path, part: Path, reason: str) -> Recovery:
    """Copy every whole message to the quarantine; keep the remains if that was not all."""
    make_folder(folder)
    copy = folder / part.name
    copy.unlink(missing_ok=True)
    recovered = copy.with_name(part.name.removesuffix(PART_SUFFIX) + SUFFIX)
    remains = recovered.with_name(recovered.name + REMAINS_SUFFIX)
    salvage = _copy_whole(part, copy, reason)
    _write_reason(recovered, reason, salvage)
    if salvage.messages:
        os.replace(copy, recovered)
    else:
        copy.unlink()
    if salvage.messages and not salvage.altered:
        part.unlink()
    else:
        os.replace(part, remains)
    sync_folder(folder)
    sync_folder(part.parent)
    action, path = ("recovered", recovered) if salvage.messages else ("quarantined", remains)
    return Recovery(part, action, path, salvage.messages, f"{reason}; {salvage.told}")


@dataclass(eq=False)
class _Salvage:
    """A copy under way: what was read, and what could not be."""

    container: Container
    start: EpisodeStart | None = None
    last_ns: int = 0
    altered: list[str] = field(default_factory=list)
    end: str = ""
    schemas: dict[int, Schema] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        return sum(self.container.counts.values())

    @property
    def told(self) -> str:
        parts = [f"{self.messages} whole messages", self.end, *self.altered]
        return "; ".join(part for part in parts if part)

    def take(self, record: RawRecord) -> None:
        try:
            if record.opcode == Opcode.METADATA:
                self.take_map(Metadata.read(record.stream()))
            elif record.opcode == Opcode.CHUNK:
                for inner in open_chunk(record):
                    self.take_inner(inner)
        except EpisodeDamaged as error:
            self.altered.append(str(error))
        except PARSE_ERRORS as error:
            self.altered.append(f"record at byte {record.offset}: {error}")

    def take_map(self, metadata: Metadata) -> None:
        if metadata.name != START_RECORD:
            return
        self.container.add_metadata(START_RECORD, metadata.metadata)
        with suppress(DataError):
            self.start = EpisodeStart.from_map(metadata.metadata)

    def take_inner(self, record: McapRecord) -> None:
        if isinstance(record, Schema):
            self.schemas[record.id] = record
        elif isinstance(record, Channel):
            schema = self.schemas[record.schema_id]
            self.container.add_channel(
                record.topic, schema.name, schema.data.decode(), record.metadata
            )
            self.topics[record.id] = record.topic
        elif isinstance(record, Message):
            self.container.write(
                self.topics[record.channel_id], record.data, record.log_time, record.publish_time
            )
            self.last_ns = max(self.last_ns, record.log_time)

    def metadata(self, reason: str) -> EpisodeMetadata | None:
        if self.start is None:
            return None
        counts = self.container.counts
        return self.start.finished(
            ended_ns=max(self.last_ns, self.start.started_ns),
            steps=counts.get(f"/{self.start.cell}/{STEP}", 0),
            end_reason=EndReason.RECORDER_LOST.value,
            end_message=f"recovered: {reason}",
            frames=counts,
        )


def _copy_whole(part: Path, copy: Path, reason: str) -> _Salvage:
    """Write what can be read of `part` to `copy`, and read that again."""
    target = PartFile.create(copy)
    try:
        salvage = _Salvage(Container(target))
        for record in _records(part, salvage):
            salvage.take(record)
        metadata = salvage.metadata(reason)
        if metadata is None:
            salvage.end = f"{salvage.end}; its start record is lost".lstrip("; ")
        else:
            salvage.container.add_metadata(EPISODE_RECORD, metadata.to_map())
        salvage.container.finish()
        target.sync()
    finally:
        target.close()
    again = survey_file(copy)
    if again.damage or again.messages != salvage.messages:
        raise EpisodeDamaged(
            f"{copy}: {salvage.messages} messages were recovered and {again.messages} read back "
            f"({'; '.join(again.damage) or 'no damage'}); the remains stay at {part}"
        )
    return salvage


def _records(part: Path, salvage: _Salvage) -> Iterator[RawRecord]:
    """The file's records to where it ends; how it ends is noted."""
    size = part.stat().st_size
    with part.open("rb") as stream:
        try:
            yield from iter_records(stream, size)
        except EpisodeDamaged as error:
            salvage.end = f"the file {error}" if size else "the file is empty"


def read_reason(path: Path) -> str:
    """Why a quarantined file is there, in one line; raises OSError where nothing tells it."""
    lines = reason_file(path).read_text(encoding="utf-8").splitlines()
    told = dict(line.split(": ", 1) for line in lines[1:3] if ": " in line)
    return "; ".join(told.values())


def _write_reason(path: Path, reason: str, salvage: _Salvage) -> None:
    counts = salvage.container.counts
    one_line = " ".join(reason.split())
    lines = [f"episode: {id_of(path)}", f"reason: {one_line}", f"found: {salvage.told}"]
    lines += [f"  {topic}: {count}" for topic, count in sorted(counts.items())]
    reason_file(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
