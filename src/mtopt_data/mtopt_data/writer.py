"""One episode into one file, which gets its final name only when it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from .catalog import rebuild
from .container import CHUNK_BYTES, Container
from .errors import (
    DataError,
    DiskFull,
    EpisodeDamaged,
    EpisodeExists,
    FolderNotWritable,
    MetadataInvalid,
    WriterClosed,
)
from .metadata import EPISODE_RECORD, START_RECORD, EpisodeMetadata, EpisodeStart
from .naming import EpisodeId
from .partfile import PartFile, folder_lock, give_name, make_folder, named
from .recovery import Recovery, recover_part
from .verification import Verification, verify


class EpisodeWriter:
    """Writes `<root>/<cell>/<day>/<id>.mcap.part`; `close` turns it into the episode's file.

    Every chunk goes to the operating system when it is full, so the end of this process
    costs at most the open chunk. Raises NameInvalid, EpisodeExists, FolderNotWritable, DiskFull
    (also when less than `keep_free_bytes` are free at the start). After a failed write the
    episode cannot go on; what is in the file stays there for recovery. Not for two threads
    at once.
    """

    def __init__(
        self,
        root: str | Path,
        start: EpisodeStart,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        keep_free_bytes: int = 0,
    ) -> None:
        self.root = Path(root)
        self.start = start
        self.report: Verification | None = None
        self.uncatalogued = ""
        episode = EpisodeId.parse(start.episode_id)
        self.path = episode.path(self.root)
        make_folder(self.path.parent)
        require_space(self.root, keep_free_bytes)
        if self.path.exists():
            raise EpisodeExists(f"{self.path}: is already there; nothing is overwritten")
        with folder_lock(self.root, exclusive=False):
            self._part = PartFile.create(episode.part(self.root))
        self._container: Container | None = None
        self._open(chunk_bytes)

    def _open(self, chunk_bytes: int) -> None:
        try:
            self._container = Container(self._part, chunk_bytes)
            self._container.add_metadata(START_RECORD, self.start.to_map())
        except DataError:
            self._stop()
            raise

    @property
    def counts(self) -> dict[str, int]:
        """Messages accepted so far, by topic."""
        return self._open_container().counts

    @property
    def size_bytes(self) -> int:
        """Bytes in the file so far; the open chunk is not among them."""
        return self._part.tell()

    def add_channel(
        self, topic: str, type_name: str, definition: str, *, qos: str = "", type_hash: str = ""
    ) -> None:
        """Announce a topic of the message type `type_name` ("sensor_msgs/msg/JointState").

        `definition` as from schema.message_definition, `qos` as from qos.offered_qos,
        `type_hash` the ROS type hash where known. Announcing it again changes nothing; raises
        ChannelConflict if the type differs.
        """
        notes = {"offered_qos_profiles": qos, "topic_type_hash": type_hash}
        self._open_container().add_channel(topic, type_name, definition, notes)

    def write(self, topic: str, data: bytes, log_ns: int, publish_ns: int) -> None:
        """Append a message: its CDR bytes, when it arrived and when it was published.

        Raises ChannelUnknown or MessageInvalid, which spoil nothing, and DiskFull or
        FolderNotWritable, after which the episode cannot go on.
        """
        container = self._open_container()
        try:
            container.write(topic, data, log_ns, publish_ns)
        except (DiskFull, FolderNotWritable):
            self._stop()
            raise

    def flush(self) -> None:
        """Close the open chunk and hand it to the operating system."""
        container = self._open_container()
        try:
            container.flush()
        except (DiskFull, FolderNotWritable):
            self._stop()
            raise

    def close(self, metadata: EpisodeMetadata) -> Path:
        """Finish the file, read it back, and give it its name; returns that path.

        The counts of frames are this writer's own. What the check found is in `report`. A
        file that does not read back goes to quarantine and raises EpisodeDamaged. The episode's
        row goes to the catalog; where it could not, `uncatalogued` says why, and the next
        start makes up for it.
        """
        container = self._open_container()
        if metadata.episode_id != self.start.episode_id:
            raise MetadataInvalid(
                f"episode_id = {metadata.episode_id!r}: this file is {self.start.episode_id}"
            )
        try:
            counted = metadata.with_frames(container.counts)
            container.add_metadata(EPISODE_RECORD, counted.to_map())
            container.finish()
            self._part.sync()
        except (DiskFull, FolderNotWritable):
            self._stop()
            raise
        self._container = None
        return self._publish()

    def abandon(self, reason: str) -> Recovery:
        """Give the episode up: what was written goes to quarantine with the reason.

        Also after a failed write; raises WriterClosed where the file has its name already.
        """
        if not self._part.path.exists():
            raise WriterClosed(f"{self.path}: the episode was closed or abandoned before")
        if self._container is not None:
            try:
                self._container.flush()
            except (DiskFull, FolderNotWritable):
                reason = f"{reason}; the last messages found no room"
        self._stop()
        return recover_part(self.root, self._part.path, reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._container is not None:
            self.abandon(f"{kind.__name__}: {error}" if kind else "was never closed")

    def _publish(self) -> Path:
        part = self._part.path
        self.report = verify(part)
        if self.report.damage:
            reason = f"did not read back after writing: {'; '.join(self.report.damage)}"
            self._stop()
            raise EpisodeDamaged(f"{recover_part(self.root, part, reason).path}: {reason}")
        try:
            give_name(part, self.path)
        finally:
            self._part.close()
        try:
            rebuild.add(self.root, self.path, self.report)
        except DataError as error:
            self.uncatalogued = str(error)
        return self.path

    def _stop(self) -> None:
        self._container = None
        self._part.close()

    def _open_container(self) -> Container:
        if self._container is None:
            raise WriterClosed(f"{self.path}: the episode was closed, abandoned or has failed")
        return self._container


def require_space(root: Path, needed_bytes: int) -> None:
    """Raise DiskFull unless `needed_bytes` are free where `root` lies."""
    try:
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise named(error, root) from error
    if free < needed_bytes:
        raise DiskFull(
            f"{root}: {free / 1e6:.0f} MB are free, {needed_bytes / 1e6:.0f} MB must be; "
            "free some space and go on"
        )
