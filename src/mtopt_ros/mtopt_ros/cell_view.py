"""What a cell reports about itself, as a value for people's eyes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellView:
    """A cell as it last reported itself; `disk_free` in bytes, rate in episodes an hour."""

    cell: str
    state: str = "starting"
    task: str = ""
    episode_id: str = ""
    step: int = 0
    episodes: int = 0
    wanted: int = 0
    successes: int = 0
    last_task: str = ""
    last_success: bool = False
    last_end_reason: str = ""
    episodes_per_hour: float = 0.0
    grader: str = ""
    policy_model: str = ""
    disk_free: int = 0
    faults: tuple[str, ...] = ()
