"""The files of a bundle: read within limits, and sealed so that one changed bit shows.

The manifest holds the sha256 of every other file; `manifest.sha256` holds the manifest's own,
in the form that `sha256sum -c manifest.sha256` reads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from .errors import BundleRefused, Refusal

MANIFEST = "manifest.yaml"
SEAL = "manifest.sha256"
CARD = "MODEL_CARD.md"
MAX_MANIFEST_BYTES = 2**20
MAX_FILE_BYTES = 256 * 2**20


def digest(data: bytes) -> str:
    """The sha256 of some bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def seal_of(manifest: bytes) -> str:
    """The content of the seal of a manifest."""
    return f"{digest(manifest)}  {MANIFEST}\n"


def read_sealed_manifest(folder: Path) -> str:
    """The text of a bundle's manifest; raises BundleRefused unless it is as it was written."""
    data = read_limited(folder, MANIFEST, MAX_MANIFEST_BYTES)
    seal = read_limited(folder, SEAL, MAX_MANIFEST_BYTES)
    if seal != seal_of(data).encode():
        raise BundleRefused(Refusal.HASH, folder, f"{MANIFEST} is not what {SEAL} says")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleRefused(Refusal.MANIFEST, folder, f"{MANIFEST}: {error}") from None


def read_sealed(folder: Path, name: str, wanted: str) -> bytes:
    """A file of a bundle, of sha256 `wanted`; raises BundleRefused for any other content."""
    data = read_limited(folder, name, MAX_FILE_BYTES)
    found = digest(data)
    if found != wanted:
        raise BundleRefused(
            Refusal.HASH,
            folder,
            f"{name} ({len(data)} bytes) has sha256 {found[:12]}..., the manifest says "
            f"{wanted[:12]}...: truncated, altered or swapped",
        )
    return data


def read_limited(folder: Path, name: str, limit_bytes: int) -> bytes:
    """A plain file of at most `limit_bytes`; raises BundleRefused."""
    try:
        with open(folder / name, "rb", opener=_without_waiting) as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise BundleRefused(Refusal.MISSING, folder, f"{name} is not a plain file")
            # One byte more than allowed, never more: the file may grow while it is read.
            data = b"" if facts.st_size > limit_bytes else file.read(limit_bytes + 1)
    except OSError as error:
        raise BundleRefused(Refusal.MISSING, folder, f"{name}: {error.strerror}") from None
    size = max(facts.st_size, len(data))
    if size > limit_bytes:
        raise BundleRefused(
            Refusal.SIZE, folder, f"{name} has {size} bytes, at most {limit_bytes} allowed"
        )
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Opens a pipe at once, where open() would wait for its writer for ever."""
    return os.open(path, flags | os.O_NONBLOCK)
