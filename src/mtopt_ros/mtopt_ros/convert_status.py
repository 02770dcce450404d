"""What cells say of themselves, between wire and value."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray

from mtopt_msgs import msg

from .cell_view import CellView


def cell_view(message: msg.CellStatus) -> CellView:
    """A CellStatus message as a value."""
    return CellView(
        cell=message.cell,
        state=message.state,
        task=message.task,
        episode_id=message.episode_id,
        step=message.step,
        episodes=message.episodes,
        wanted=message.episodes_wanted,
        successes=message.successes,
        last_task=message.last_task,
        last_success=message.last_success,
        last_end_reason=message.last_end_reason,
        episodes_per_hour=message.episodes_per_hour,
        grader=message.grader,
        policy_model=message.policy_model,
        disk_free=message.disk_free_bytes,
        faults=tuple(message.faults),
    )


def node_figures(message: DiagnosticArray) -> dict[str, dict[str, str]]:
    """What the nodes tell in figures, by `cell/node`."""
    return {
        status.name: {pair.key: pair.value for pair in status.values} for status in message.status
    }
