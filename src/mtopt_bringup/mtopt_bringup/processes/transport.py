"""How messages travel between the processes of one machine: Fast DDS profiles.

An image is larger than the shared memory that Fast DDS takes by default; it would travel in
pieces, and many would be lost in silence. Processes that send images get a larger segment.
The segment is reserved in /dev/shm when its process starts, so it is sized to the room there.
Every process looks for more neighbours than the 32 that the default range finds: a fleet of
four cells has that many.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import StartFailed
from ..paths import Paths

MEMORY = Path("/dev/shm")
SEGMENTS_MB = (64, 32, 16)  # smallest: a few images of each camera
_SHARE = 0.8  # of the free memory; the rest is for every process's small segment
_FULL_SEGMENT = f"<segment_size>{64 * 2**20}</segment_size>"
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
_USERS_OWN = (PROFILE, "FASTDDS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS")


@dataclass(frozen=True)
class Profiles:
    """The profile files of a start; None where the user has set one."""

    plain: Path | None
    images: Path | None

    def environment(self, sends_images: bool) -> dict[str, str]:
        """What a process is started with."""
        profile = self.images if sends_images else self.plain
        return {PROFILE: str(profile)} if profile else {}


def free_mb(folder: Path = MEMORY) -> float:
    """Free shared memory, MB."""
    return shutil.disk_usage(folder).free / 2**20


def segment_mb(senders: int, room_mb: float) -> int:
    """Shared memory for each process that sends images, MB; raises StartFailed."""
    for size in SEGMENTS_MB:
        if senders * size * 1.1 <= room_mb * _SHARE:
            return size
    needed = senders * SEGMENTS_MB[-1] * 1.1 / _SHARE
    raise StartFailed(
        f"{MEMORY}: {room_mb:.0f} MB of shared memory are free: must be at least "
        f"{needed:.0f} MB for {senders} processes that send images "
        "(in a container: a larger --shm-size)"
    )


def profiles(senders: int, paths: Paths, folder: Path, environment: Mapping[str, str]) -> Profiles:
    """The profiles to use; one that fits a small /dev/shm is written to `folder`."""
    if any(environment.get(name) for name in _USERS_OWN):
        return Profiles(None, None)
    images = paths.config / "fastdds_images.xml"
    size = segment_mb(senders, free_mb())
    if size != SEGMENTS_MB[0]:
        smaller = f"<segment_size>{size * 2**20}</segment_size>"
        text = images.read_text(encoding="utf-8").replace(_FULL_SEGMENT, smaller)
        images = folder / images.name
        images.parent.mkdir(parents=True, exist_ok=True)
        images.write_text(text, encoding="utf-8")
    return Profiles(paths.config / "fastdds.xml", images)


def bystander(paths: Paths, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for a process that listens to a fleet and sends no image."""
    own = any(environment.get(name) for name in _USERS_OWN)
    profile = {} if own else {PROFILE: str(paths.config / "fastdds.xml")}
    return defaults(environment) | profile


def defaults(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for every process that the user has not set."""
    wanted = {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",  # many processes share the cores already
        "PYTHONUNBUFFERED": "1",
        "RCUTILS_COLORIZED_OUTPUT": "0",
        "RCUTILS_LOGGING_BUFFERED_STREAM": "0",
    }
    return {name: value for name, value in wanted.items() if not environment.get(name)}
