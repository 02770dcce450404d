"""What is known of recordings, in the plain values that JSON has.

Times in seconds, lengths in metres, angles in radians; None where there is no number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .metadata import EpisodeMetadata
from .reader import EpisodeReader
from .recovery import Recovery, read_reason
from .survey import Survey
from .verification import STEP, FolderVerification, Verification

Facts = dict[str, Any]

_GRIPPER = ("keep", "open", "close")


def episode_facts(found: Verification) -> Facts:
    """Everything about one file, as JSON has it. Times in s, lengths in m, angles in rad."""
    survey, metadata = found.survey, found.metadata
    facts: Facts = {
        "file": str(found.path),
        "size_bytes": survey.size_bytes,
        "duration_s": survey.duration_s,
        "messages": survey.messages,
        "ok": found.ok,
        "damage": list(found.damage),
        "gaps": list(found.gaps),
        "notes": list(found.notes),
        "metadata": _metadata_facts(metadata) if metadata else None,
        "steps": _steps(found.path, metadata) if metadata and not found.damage else [],
        "channels": _channel_facts(survey, metadata),
    }
    return facts


def folder_facts(found: FolderVerification) -> Facts:
    """What was found of a data folder, as JSON has it."""
    return {
        "folder": str(found.root),
        "ok": found.ok,
        "episodes": len(found.files),
        "whole": sum(file.ok for file in found.files),
        "messages": sum(file.survey.messages for file in found.files),
        "size_bytes": sum(file.survey.size_bytes for file in found.files),
        "damaged": [_fault(file, file.damage) for file in found.files if file.damage],
        "incomplete": [_fault(file, file.gaps) for file in found.files if file.gaps],
        "notes": [_fault(file, file.notes) for file in found.files if file.notes],
        "duplicates": list(found.duplicates),
        "being_written": [str(path) for path in found.being_written],
        "leftovers": [str(path) for path in found.leftovers],
        "quarantined": [_put_aside(path) for path in found.quarantined],
    }


def recovery_facts(done: Sequence[Recovery]) -> list[Facts]:
    """What became of unfinished files, as JSON has it."""
    return [
        {
            "part": str(item.part),
            "action": item.action,
            "path": str(item.path),
            "messages": item.messages,
            "reason": item.reason,
        }
        for item in done
    ]


def _metadata_facts(metadata: EpisodeMetadata) -> Facts:
    values = {name: getattr(metadata, name) for name in metadata.to_map() if name != "format"}
    return values | {"succeeded": metadata.succeeded, "ordinary": metadata.ordinary}


def _channel_facts(survey: Survey, metadata: EpisodeMetadata | None) -> list[Facts]:
    drops = metadata.drops if metadata else {}
    return [
        {
            "topic": tally.topic,
            "type": tally.type_name,
            "messages": tally.count,
            "rate_hz": tally.rate_hz,
            "dropped": drops.get(tally.topic, 0),
            "size_bytes": tally.size_bytes,
        }
        for tally in sorted(survey.tallies.values(), key=lambda tally: tally.topic)
    ]


def _steps(path: Path, metadata: EpisodeMetadata) -> list[Facts]:
    topic = f"/{metadata.cell}/{STEP}"
    with EpisodeReader(path) as reader:
        if topic not in reader.channels:
            return []
        return [_step_facts(item.message) for item in reader.decoded([topic])]


def _step_facts(step: Any) -> Facts:
    return {
        "index": step.index,
        "chosen": _action_facts(step.chosen),
        "sent": _action_facts(step.sent),
        "q": _number(step.q),
        "source": step.source,
        "model": step.model,
        "latency_s": step.latency,
        # Episodes from before these were measured have no such fields.
        "novelty": _number(getattr(step, "novelty", math.nan)),
        "q_spread": _number(getattr(step, "q_spread", math.nan)),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _action_facts(action: Any) -> Facts:
    return {
        "delta_m": [action.delta.x, action.delta.y, action.delta.z],
        "yaw_rad": action.yaw,
        "gripper": _GRIPPER[action.gripper] if action.gripper < len(_GRIPPER) else "unknown",
        "terminate": bool(action.terminate),
    }


def _fault(file: Verification, reasons: Iterable[str]) -> Facts:
    return {"file": str(file.path), "reasons": list(reasons)}


def _put_aside(path: Path) -> Facts:
    try:
        told = read_reason(path)
    except OSError as error:
        told = f"its reason cannot be read: {error.strerror or error}"
    return {"file": str(path), "reasons": [told]}
