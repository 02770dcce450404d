"""A cell's nodes as standard diagnostics: the part of convert.py that is the warden's alone."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from mtopt_msgs import msg

from .convert import time_msg
from .health import Level


def diagnostic_array(
    cell: str, beats: Mapping[str, msg.Heartbeat], lost: Mapping[str, str], now_ns: int
) -> DiagnosticArray:
    """The cell's nodes as standard diagnostics; `lost` says what is wrong with silent ones."""
    levels = {Level.OK: DiagnosticStatus.OK, Level.WARN: DiagnosticStatus.WARN}
    message = DiagnosticArray()
    message.header.stamp = time_msg(now_ns)
    for name, beat in sorted(beats.items()):
        status = DiagnosticStatus(
            level=levels.get(Level(beat.level), DiagnosticStatus.ERROR),
            name=f"{cell}/{name}",
            message=f"{beat.fault}: {beat.message}" if beat.fault else "ok",
            hardware_id=cell,
            values=beat.values,
        )
        message.status.append(status)
    known = {status.name: status for status in message.status}
    for name, why in sorted(lost.items()):
        silent = known.get(f"{cell}/{name}") or DiagnosticStatus(name=f"{cell}/{name}")
        silent.level, silent.message, silent.hardware_id = DiagnosticStatus.STALE, why, cell
        if silent.name not in known:
            message.status.append(silent)
    return message
