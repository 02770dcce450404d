"""A place that finished episodes are moved to: whatever fsspec can reach, a folder or S3 or others.

Credentials and endpoints are fsspec's own business: its configuration files and environment
variables, or those of the library behind a protocol.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import ChecksumWrong, DataError, TargetInvalid
from ..naming import SUFFIX
from ..partfile import sync_folder
from ..tail import Tail, tail_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

BLOCK_BYTES = 1 << 20
_UNFINISHED = ".unfinished"
# An object appears whole or not at all; elsewhere a file is renamed once it is whole.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"}


class Target:
    """An opened place. Raises TargetInvalid wherever it cannot do what is asked."""

    def __init__(self, url: str) -> None:
        self._fs, self._base = _open(url)
        self._protocols = _protocols(self._fs)
        self.is_folder = "file" in self._protocols
        self.url = str(self._fs.unstrip_protocol(self._base))
        if self.is_folder and not Path(self._base).is_dir():
            raise TargetInvalid(f"{url}: no such folder; is it mounted? It must be there already")

    @property
    def folder(self) -> Path:
        """Where it lies on this machine, if it is a folder."""
        return Path(self._base)

    def address(self, place: str) -> str:
        """The address of a file by its place below the target."""
        return str(self._fs.unstrip_protocol(self._path(place)))

    def holds(self, place: str, digest: str) -> bool:
        """Whether a file is there, with this digest; raises ChecksumWrong for another one."""
        with self._reaching(place):
            if not self._fs.exists(self._path(place)):
                return False
            found = self._digest(self._path(place))
        if found != digest:
            raise ChecksumWrong(f"{self.address(place)}: another file is there; nothing was moved")
        return True

    def put(self, place: str, blocks: Iterable[bytes], digest: str) -> None:
        """Copy a file and read it back; raises ChecksumWrong where it is not the same."""
        path = self._path(place)
        direct = bool(self._protocols & _OBJECT_STORES)
        written = path if direct else path + _UNFINISHED
        with self._reaching(place):
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._write(written, blocks)
            found = self._digest(written)
            if found != digest:
                self._fs.rm_file(written)
                raise ChecksumWrong(f"{self.address(place)}: the copy read back with another one")
            if not direct:
                self._fs.mv(written, path)
            if self.is_folder:
                sync_folder(Path(path).parent)

    def tails(self, known: set[str]) -> Iterator[tuple[str, Tail]]:
        """Address and end of every episode file there, but for those with a name in `known`."""
        with self._reaching(""):
            places = sorted(self._fs.find(self._base, detail=True).items())
        for path, facts in places:
            name = path.rpartition("/")[2]
            if name.endswith(SUFFIX) and name not in known:
                with self._reaching(path), self._fs.open(path, "rb") as stream:
                    yield self._fs.unstrip_protocol(path), tail_of(stream, facts["size"], path)

    def _path(self, place: str) -> str:
        return f"{self._base.rstrip('/')}/{place}"

    def _write(self, path: str, blocks: Iterable[bytes]) -> None:
        with self._fs.open(path, "wb") as out:
            for block in blocks:
                out.write(block)
            if self.is_folder:  # on the disk, before the local copy goes
                out.flush()
                os.fsync(out.fileno())

    def _digest(self, path: str) -> str:
        self._fs.invalidate_cache()
        with self._fs.open(path, "rb") as stream:
            return digest_of(blocks_of(stream))

    @contextlib.contextmanager
    def _reaching(self, place: str) -> Iterator[None]:
        """Every library behind a protocol has errors of its own; they become one of ours."""
        try:
            yield
        except DataError:
            raise
        except Exception as error:
            where = f"{self.url.rstrip('/')}/{place}"
            told = " ".join(str(error).split())
            raise TargetInvalid(f"{where}: {type(error).__name__}: {told}") from error


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of a stream in blocks."""
    while block := stream.read(BLOCK_BYTES):
        yield block


def digest_of(blocks: Iterable[bytes]) -> str:
    """SHA-256 of some bytes, in hex digits."""
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _open(url: str) -> tuple[AbstractFileSystem, str]:
    from fsspec.core import url_to_fs

    try:
        found: tuple[AbstractFileSystem, str] = url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise TargetInvalid(f"{url}: {' '.join(str(error).split())}") from error
    return found


def _protocols(filesystem: AbstractFileSystem) -> set[str]:
    named = filesystem.protocol
    return {named} if isinstance(named, str) else set(named)
