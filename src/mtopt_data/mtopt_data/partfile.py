"""The file of an episode that is not closed yet: new, locked, and never cut inside a record.

The lock tells a living recorder's file from what a crash left: the kernel drops it with
the process, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import DataError, DiskFull, EpisodeBusy, EpisodeExists, FolderNotWritable, WriterClosed

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PartFile:
    """An append-only file that this process alone holds. Bytes go to the system at once."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    @classmethod
    def create(cls, path: Path) -> PartFile:
        """A new file, locked; raises EpisodeExists, FolderNotWritable, DiskFull."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise EpisodeExists(f"{path}: is already there; nothing is overwritten") from None
        except OSError as error:
            raise named(error, path) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise FolderNotWritable(f"{path}: cannot be locked ({error.strerror})") from error
        return cls(path, descriptor)

    @classmethod
    def claim(cls, path: Path) -> PartFile:
        """An existing file, locked; raises EpisodeBusy while a recorder holds it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise named(error, path) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise EpisodeBusy(f"{path}: is being written by a living recorder") from None
        except OSError as error:
            os.close(descriptor)
            raise FolderNotWritable(f"{path}: cannot be locked ({error.strerror})") from error
        return cls(path, descriptor)

    def write(self, data: bytes) -> int:
        """Append all of `data`, or nothing of it. Raises DiskFull, FolderNotWritable."""
        self._check_open()
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
                os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise named(error, self.path) from error
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes in the file."""
        return self._size

    def flush(self) -> None:
        """Nothing to do: no byte is held back."""

    def sync(self) -> None:
        """Wait until the bytes are on the disk."""
        self._check_open()
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise named(error, self.path) from error

    def close(self) -> None:
        """Let go of the file and its lock; twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise WriterClosed(f"{self.path}: is closed")


def is_held(path: Path) -> bool:
    """Whether a living recorder holds the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def named(error: OSError, path: Path) -> DataError:
    """The system's error in this package's words."""
    if error.errno in _FULL:
        return DiskFull(f"{path}: no room left ({error.strerror}); free some space and go on")
    return FolderNotWritable(f"{path}: cannot be written ({error.strerror})")


def make_folder(folder: Path) -> None:
    """Create a folder and its parents; raises FolderNotWritable, DiskFull."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise named(error, folder) from error


def give_name(part: Path, final: Path) -> None:
    """Rename a finished file; raises EpisodeExists rather than replace another."""
    if final.exists():
        raise EpisodeExists(f"{final}: is already there; nothing is overwritten")
    try:
        os.rename(part, final)
        sync_folder(final.parent)
    except OSError as error:
        raise named(error, final) from error


def replace_file(path: Path, data: bytes) -> None:
    """Put a whole file in the place of another, or of none: on the disk when it returns.

    A reader, and whoever comes after a crash, sees the old one or the new one. Raises OSError.
    """
    unfinished = path.with_name(f"{path.name}.new")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def folder_lock(root: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the data root while files are opened (shared) or leftovers are claimed (exclusive).

    Without it, a file that another recorder has created but not locked yet would look like
    a leftover. Where a file system cannot lock folders it does nothing.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
