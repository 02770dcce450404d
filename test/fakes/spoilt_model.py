"""Bundles that a writer, not a disk, got wrong: every hash right, the content not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from fakes.fake_model import Flaw, encoder_bytes, head_bytes


def resealed(folder: Path, **changes: Any) -> None:
    """Change the manifest's fields, then make every hash right again."""
    path = folder / "manifest.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name in values["files"]:
        values["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    values.update(changes)
    text = yaml.safe_dump(values, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.sha256").write_text(f"{digest}  manifest.yaml\n", encoding="utf-8")


def _truncated(folder: Path) -> None:
    data = (folder / "head.onnx").read_bytes()
    (folder / "head.onnx").write_bytes(data[: len(data) // 2])


def _swapped(folder: Path) -> None:
    encoder, head = folder / "encoder.onnx", folder / "head.onnx"
    first, second = encoder.read_bytes(), head.read_bytes()
    encoder.write_bytes(second)
    head.write_bytes(first)
    resealed(folder)


def _other_shape(folder: Path) -> None:
    (folder / "head.onnx").write_bytes(head_bytes(12, Flaw(actions=9)))
    resealed(folder)


def _not_numbers(folder: Path) -> None:
    (folder / "encoder.onnx").write_bytes(encoder_bytes((4, 4), Flaw(bright_is_nan=True)))
    resealed(folder)


def _huge(folder: Path) -> None:
    with (folder / "head.onnx").open("ab") as file:
        file.truncate(1 << 40)  # a hole: it takes no room


def _unknown_task(folder: Path) -> None:
    resealed(folder, tasks=["lift-elephant"])


# What is done to a good bundle, and the law that it then breaks.
SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (_truncated, "hash"),
    "swapped": (_swapped, "graph"),
    "other_shape": (_other_shape, "graph"),
    "not_numbers": (_not_numbers, "numbers"),
    "huge": (_huge, "size"),
    "unknown_task": (_unknown_task, "tasks"),
}
