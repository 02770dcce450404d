"""Which processes descend from which, by /proc."""

from __future__ import annotations

from pathlib import Path


def descendants(pid: int) -> set[int]:
    """All processes below one, at this moment."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            fields = _fields(folder)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is more than an entry waiting to be collected."""
    fields = _fields(Path("/proc") / str(pid))
    return bool(fields) and fields[0] != "Z"


def _fields(folder: Path) -> list[str]:
    """State, parent and the rest of /proc/PID/stat; empty if the process is gone."""
    try:
        stat = (folder / "stat").read_text(errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()
