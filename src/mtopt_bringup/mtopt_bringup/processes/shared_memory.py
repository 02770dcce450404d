"""What dead processes left in shared memory.

Fast DDS gives a process that sends images a segment of tens of megabytes in /dev/shm. One that
is killed leaves its segment there, and nobody else takes it away: after a few hundred kills the
memory would be full. A segment's owner holds a lock on the file beside it for its whole life, so
a file whose lock is free, and that is not just being made, belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from .transport import MEMORY

_SEGMENT = re.compile(r"fastrtps_[0-9a-f]{16}")
_LOCK = "_el"
SETTLED_S = 10.0  # a younger segment may be about to be locked


def sweep(folder: Path = MEMORY, settled_s: float = SETTLED_S) -> int:
    """Remove this user's segments whose owners are gone; how many bytes they had."""
    freed = 0
    for lock in folder.glob(f"fastrtps_*{_LOCK}"):
        segment = lock.with_name(lock.name.removesuffix(_LOCK))
        if _SEGMENT.fullmatch(segment.name):
            freed += _sweep(segment, lock, settled_s)
    return freed


def _sweep(segment: Path, lock: Path, settled_s: float) -> int:
    with suppress(OSError):
        known = lock.stat()
        if known.st_uid != os.getuid() or time.time() - known.st_ctime < settled_s:
            return 0
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: it lives
            size = segment.stat().st_size if segment.exists() else 0
            segment.unlink(missing_ok=True)
            lock.unlink()
            return size
        finally:
            os.close(descriptor)
    return 0
