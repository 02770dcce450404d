"""The facts of recordings, for a person to read."""

from __future__ import annotations

from collections.abc import Sequence

from mtopt_core.purpose import Purpose

from .facts import Facts


def episode_text(facts: Facts) -> str:
    """The facts of one file for a person to read."""
    lines: list[str] = []
    if facts["metadata"]:
        lines += _episode_lines(facts["metadata"])
    lines += _file_lines(facts)
    if facts["steps"]:
        rows = [_step_row(step) for step in facts["steps"]]
        head = ("#", "dx m", "dy m", "dz m", "yaw rad", "gripper", "end", "q", "source", "model")
        lines += ["", "steps (as sent to the arm)", *table_lines(head, rows)]
    if facts["metadata"] and facts["metadata"]["probability"]:
        lines += ["", "outcome", *_outcome_rows(facts["metadata"])]
    rows = [_channel_row(channel) for channel in facts["channels"]]
    lines += [
        "",
        "channels",
        *table_lines(("topic", "type", "messages", "Hz", "dropped", "kB"), rows),
    ]
    return "\n".join(lines) + "\n"


def folder_text(facts: Facts) -> str:
    """The facts of a data folder for a person to read."""
    total, whole = facts["episodes"], facts["whole"]
    size_mb = facts["size_bytes"] / 1e6
    lines = [
        f"{facts['folder']}: {_counted(total, 'episode')}, {whole} whole and complete; "
        f"{_counted(facts['messages'], 'message')}, {size_mb:.1f} MB"
    ]
    for title in ("damaged", "incomplete"):
        for fault in facts[title]:
            lines.append(f"{title:<10} {fault['file']}")
            lines += [f"{'':<10}   {reason}" for reason in fault["reasons"]]
    if facts["notes"]:
        noted = _counted(len(facts["notes"]), "episode")
        lines.append(f"{'notes':<10} on {noted}: `log info FILE` shows them")
    lines += [f"{'twice':<10} {name}" for name in facts["duplicates"]]
    lines += [f"{'writing':<10} {path}" for path in facts["being_written"]]
    lines += [
        f"{'left over':<10} {path} (by a crash; `log recover {facts['folder']}` settles it)"
        for path in facts["leftovers"]
    ]
    for fault in facts["quarantined"]:
        lines.append(f"{'quarantine':<10} {fault['file']} (not counted)")
        lines += [f"{'':<10}   {reason}" for reason in fault["reasons"]]
    return "\n".join(lines) + "\n"


def recovery_text(facts: Sequence[Facts]) -> str:
    """What became of unfinished files, for a person to read."""
    if not facts:
        return "nothing was left over\n"
    lines = [f"{item['action']:<11} {item['path']}\n{'':<11}   {item['reason']}" for item in facts]
    return "\n".join(lines) + "\n"


def _episode_lines(known: Facts) -> list[str]:
    verdict = {True: "success", False: "failure", None: "not graded"}[known["succeeded"]]
    chance = known["probability"].get(known["task"])
    graded = f" (p {chance:.2f}, graded by {known['grader']})" if chance is not None else ""
    message = f": {known['end_message']}" if known["end_message"] else ""
    sources = ", ".join(f"{name} {count}" for name, count in sorted(known["sources"].items()))
    models = (
        f"policy {_model(known, 'policy')}, success {_model(known, 'success')}, "
        f"software {known['software_version']}, seed {known['seed']}"
    )
    cell = (
        f"{known['cell']}, robot {known['robot_serial'] or '-'}, "
        f"operator {known['operator'] or '-'}, calibration {known['calibration_hash'] or '-'}"
    )
    return [
        f"episode   {known['episode_id']}",
        f"task      {known['task']} (skill {known['skill']})",
        f"outcome   {verdict}{graded}",
        f"end       {known['end_reason']}{message}, {_counted(known['steps'], 'step')}"
        + (f" ({sources})" if sources else ""),
        f"cell      {cell}",
        *_scene_lines(known),
        f"made by   {models}",
    ]


def _scene_lines(known: Facts) -> list[str]:
    """What was staged, if anything was."""
    varied = f"varied {known['variation']}" if known["variation"] not in ("", "off") else ""
    purpose = f"for {known['purpose']}" if known["purpose"] != Purpose.TRAINING else ""
    said = ", ".join(part for part in (known["scene"], varied, purpose) if part)
    return [f"scene     {said}"] if said else []


def _model(known: Facts, kind: str) -> str:
    name, version = known[f"{kind}_model"], known[f"{kind}_version"]
    return f"{name} {version}".strip() or "-"


def _file_lines(facts: Facts) -> list[str]:
    verdict = "whole and complete" if facts["ok"] else "NOT as it should be"
    size_mb = facts["size_bytes"] / 1e6
    lines = [
        f"file      {facts['file']}",
        f"          {verdict}; {_counted(facts['messages'], 'message')} over "
        f"{facts['duration_s']:.1f} s, {size_mb:.2f} MB",
    ]
    for title, label in (("damage", "damage"), ("gaps", "missing"), ("notes", "note")):
        lines += [f"{label:<9} {reason}" for reason in facts[title]]
    return lines


def _step_row(step: Facts) -> tuple[str, ...]:
    sent = step["sent"]
    return (
        str(step["index"]),
        *(f"{value:+.3f}" for value in sent["delta_m"]),
        f"{sent['yaw_rad']:+.2f}",
        sent["gripper"],
        "end" if sent["terminate"] else "",
        "-" if step["q"] is None else f"{step['q']:.3f}",
        step["source"],
        step["model"] or "-",
    )


def _outcome_rows(known: Facts) -> list[str]:
    rows = [
        (task, f"{chance:.2f}", "success" if known["success"][task] else "-")
        for task, chance in known["probability"].items()
    ]
    return table_lines(("task", "p", "verdict"), rows)


def _channel_row(channel: Facts) -> tuple[str, ...]:
    return (
        channel["topic"],
        channel["type"],
        str(channel["messages"]),
        f"{channel['rate_hz']:.1f}" if channel["rate_hz"] else "-",
        str(channel["dropped"]),
        f"{channel['size_bytes'] / 1e3:.1f}",
    )


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns under their heads, as wide as they need."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = []
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(f"  {'  '.join(padded)}".rstrip())
    return lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
