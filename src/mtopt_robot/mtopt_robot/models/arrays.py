"""Named arrays as the bytes of a .npz: written alike every time, read without trust."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MAX_UNPACKED_BYTES = 256 * 2**20
UNREADABLE = (
    ValueError, KeyError, OSError, EOFError, MemoryError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def packed(arrays: Mapping[str, NDArray]) -> bytes:
    """A compressed .npz, the same bytes for the same arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked(data: bytes, names: tuple[str, ...]) -> dict[str, NDArray]:
    """The arrays of a .npz that has just these, never unpickled; raises one of UNREADABLE."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        size = sum(member.file_size for member in zipped.infolist())
        if size > MAX_UNPACKED_BYTES:
            raise ValueError(f"{size} bytes unpacked, at most {MAX_UNPACKED_BYTES} allowed")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        if sorted(arrays.files) != sorted(names):
            raise ValueError(f"arrays must be {names}, are {tuple(arrays.files)}")
        return {name: arrays[name] for name in names}


def spoken(array: NDArray) -> str:
    """An array's shape and type in words."""
    return f"{array.shape} {array.dtype}"
