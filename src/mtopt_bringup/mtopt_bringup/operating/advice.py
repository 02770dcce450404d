"""What a person can do about a fault, in one line. docs/fleet.md says it at length."""

from __future__ import annotations

_ADVICE = {
    "camera_fault": "cable, power, exposure; goes on by itself",
    "joint_states_stale": "is the driver running? is the machine overloaded?",
    "tracking_error": "look at the arm before anything else",
    "contact": "look at the arm; where it has parked: ./mtopt cell resume --cell {cell}",
    "command_refused": "the message names the law that the command broke",
    "policy_timeout": "load of the machine; the policy's log",
    "model_refused": "./mtopt model verify; the model of before goes on",
    "grader_lost": "the log of success, if it happens again",
    "recorder_lost": "the log of recorder, if it happens again",
    "bin_jam": "emergency-stop, free the hinge, rearm, ./mtopt cell resume --cell {cell}",
    "parked": "make it right, then ./mtopt cell resume --cell {cell}",
    "emergency_stop": "make the cell safe, then ./mtopt cell rearm --cell {cell}",
    "DiskFull": "./mtopt data upload --to ...; goes on by itself when there is room",
    "FolderNotWritable": "mounts, owner, dmesg; goes on by itself",
    "node_lost": "it is started again; its log, if it happens again",
}


def advised(fault: str, cell: str = "CELL") -> list[str]:
    """Lines for a fault as a cell reports it, "node: name: message"; none for one unknown."""
    parts = [part.strip() for part in fault.split(":")]
    name = parts[1] if len(parts) > 1 else fault
    return [_ADVICE[name].format(cell=cell)] if name in _ADVICE else []
