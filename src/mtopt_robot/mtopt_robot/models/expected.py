"""What a fleet asks of a model before any of its networks is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash

from .errors import BundleRefused, Refusal
from .manifest import Manifest, ModelManifest


@dataclass(frozen=True)
class Expected:
    """What this fleet asks of a model: its action bounds and its tasks in registry order.

    Whoever has no bounds lets no Q-function pass: there is nothing to hold it against.
    """

    bounds: ActionBounds | None
    tasks: tuple[str, ...]


def check_identity(folder: Path, manifest: ModelManifest) -> None:
    """Raises BundleRefused unless the folder is named after the version in it."""
    place = folder.absolute()
    if manifest.id != f"{place.parent.name}/{place.name}":
        reason = f"says it is {manifest.id}; a folder holds the version it is named after"
        raise BundleRefused(Refusal.MANIFEST, folder, reason)


def check_layout(folder: Path, manifest: Manifest, expected: Expected) -> None:
    """Raises BundleRefused unless actions and states mean here what they meant in training."""
    if expected.bounds is None:
        raise BundleRefused(Refusal.LAYOUT, folder, "nobody here knows the fleet's action bounds")
    posed = manifest.image.posed
    wanted = layout_hash(expected.bounds, posed)
    for label, found in (
        ("action layout", manifest.action_layout),
        ("layout of its bounds", layout_hash(manifest.bounds, posed)),
    ):
        if found != wanted:
            reason = f"{label} is {found}, this fleet's is {wanted}: other bounds or encoding"
            raise BundleRefused(Refusal.LAYOUT, folder, reason)


def check_tasks(folder: Path, manifest: ModelManifest, expected: Expected) -> None:
    """Raises BundleRefused unless the tasks are the fleet's, in its order; some may be missing."""
    unknown = [task for task in manifest.tasks if task not in expected.tasks]
    if unknown:
        known = ", ".join(expected.tasks)
        reason = f"has unknown tasks {', '.join(unknown)}; known tasks: {known}"
        raise BundleRefused(Refusal.TASKS, folder, reason)
    ordered = tuple(task for task in expected.tasks if task in manifest.tasks)
    if manifest.tasks != ordered:
        reason = f"tasks are in the order {', '.join(manifest.tasks)}, not {', '.join(ordered)}"
        raise BundleRefused(Refusal.TASKS, folder, reason)
