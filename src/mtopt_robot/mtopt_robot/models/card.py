"""MODEL_CARD.md: a bundle's manifest for people."""

from __future__ import annotations

from typing import Any

from mtopt_core.uncertainty import Limits

from .image import ImageFormat
from .manifest import Manifest, ModelManifest, SuccessManifest


def model_card(manifest: ModelManifest) -> str:
    """The card as Markdown. It is made from the manifest and holds nothing of its own."""
    lines = [
        f"# {manifest.id}",
        "",
        f"Kind `{manifest.kind}`, for {len(manifest.tasks)} tasks, in one-hot order:",
        "",
        *(f"{index}. {task}" for index, task in enumerate(manifest.tasks)),
        "",
        *_of_kind(manifest),
        f"Good for: {', '.join(manifest.precisions)}.",
        "",
        "## What it does",
        "",
        *(_measured(manifest.evaluation) or ["Not measured."]),
        "",
        "## Training",
        "",
        *(_records(manifest.training) or ["Not recorded."]),
    ]
    return "\n".join(lines) + "\n"


def _of_kind(manifest: ModelManifest) -> list[str]:
    if isinstance(manifest, Manifest):
        reach_m = ", ".join(f"{value:g}" for value in manifest.bounds.delta_m)
        step = f"One step: up to ({reach_m}) m and {manifest.bounds.yaw_rad:g} rad."
        return [_view("Image", manifest.image), step, _trust(manifest.uncertainty)]
    if isinstance(manifest, SuccessManifest):
        views = ("overhead", "left", "right")
        return [
            *(_view(name.capitalize(), getattr(manifest, name)) for name in views),
            "",
            "| task | success from | slope | offset |",
            "|---|---|---|---|",
            *(
                f"| {task} | {one.threshold:.3g} | {one.slope:.3g} | {one.offset:.3g} |"
                for task, one in manifest.grading.items()
            ),
            "",
        ]
    return []


def _trust(limits: Limits | None) -> str:
    if limits is None:
        return "Where it does not know: not calibrated."
    return (
        f"Where it does not know: novelty past {limits.novelty:.3g} or spread of Q past "
        f"{limits.q_spread:.3g}, the {limits.percentile:g}th percentiles of {limits.decisions} "
        "held-out decisions."
    )


def _view(name: str, image: ImageFormat) -> str:
    height, width = image.size_px
    if image.posed:
        return (
            f"{name}: {_by(image.camera_px)} px of a calibrated camera, drawn to scale around the "
            f"tool, in the plane at {image.plane_z_m:g} m: {height} x {width} px of "
            f"{1e3 * image.m_per_px:g} mm (height x width)."
        )
    return (
        f"{name}: the middle {_by(image.crop_px)} px of {_by(image.camera_px)} px,"
        f" fed as {height} x {width} px (height x width)."
    )


def _by(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]} x {size_px[1]}"


def _records(training: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for key, value in training.items():
        if isinstance(value, dict):
            lines += [f"{indent}- {key}:", *_records(value, indent + "  ")]
        else:
            lines.append(f"{indent}- {key}: {value}")
    return lines


def _measured(evaluation: dict[str, Any]) -> list[str]:
    """The shares of success with their 95% intervals, and the figures of all tasks together."""
    if "tasks" not in evaluation:
        return []
    tries = sorted(set(evaluation["tried"].values()))
    lines = [
        f"In scene `{evaluation['scene']}`, graded by {evaluation['grader']}, "
        f"{' to '.join(map(str, dict.fromkeys((tries[0], tries[-1]))))} attempts a task:",
        "",
        "| task | success | 95% interval |",
        "|---|---:|---|",
    ]
    for task, share in evaluation["tasks"].items():
        low, high = evaluation["intervals"][task]
        lines.append(f"| {task} | {share:.2f} | {low:.2f} to {high:.2f} |")
    for name, words in _FIGURES.items():
        if isinstance(evaluation.get(name), float):
            lines.append(f"| *{words}* | {evaluation[name]:.2f} | |")
    return lines


_FIGURES = {"mean": "mean", "low_data_mean": "mean of the low-data tasks", "worst": "worst task"}
