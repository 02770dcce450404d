"""MODEL_CARD.md: a bundle's manifest for people."""

from __future__ import annotations

from typing import Any

from .manifest import Manifest


def model_card(manifest: Manifest) -> str:
    """The card as Markdown. It is made from the manifest and holds nothing of its own."""
    height, width = manifest.image.size_px
    reach_m = ", ".join(f"{value:g}" for value in manifest.bounds.delta_m)
    lines = [
        f"# {manifest.id}",
        "",
        f"Kind `{manifest.kind}`, for {len(manifest.tasks)} tasks, in one-hot order:",
        "",
        *(f"{index}. {task}" for index, task in enumerate(manifest.tasks)),
        "",
        f"Image: the middle {_by(manifest.image.crop_px)} px of {_by(manifest.image.camera_px)} px,"
        f" fed as {height} x {width} px (height x width).",
        f"One step: up to ({reach_m}) m and {manifest.bounds.yaw_rad:g} rad.",
        f"Good for: {', '.join(manifest.precisions)}.",
        "",
        "## Training",
        "",
        *(_records(manifest.training) or ["Not recorded."]),
    ]
    return "\n".join(lines) + "\n"


def _by(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]} x {size_px[1]}"


def _records(training: dict[str, Any]) -> list[str]:
    return [f"- {key}: {value}" for key, value in training.items()]
