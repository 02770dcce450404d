"""The executables of this package: each node in a process of its own, or a cell in one."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from .process import run
from .settings import SETTINGS

# Where each node lives. Imported only when it is started: not every process needs MuJoCo.
_NODES = {
    "mujoco": "mujoco_node:MujocoNode",
    "camera": "camera_node:CameraNode",
    "arm": "arm_node:ArmNode",
    "bin": "bin_node:BinNode",
    "policy": "policy_node:PolicyNode",
    "success": "success_node:SuccessNode",
    "recorder": "recorder_node:RecorderNode",
    "runner": "runner_node:RunnerNode",
    "warden": "warden_node:WardenNode",
}


def factory(name: str) -> Callable[[], Any]:
    """What makes the node of a name; a warden is started as soon as it is made."""

    def make() -> Any:
        module, kind = _NODES[name].split(":")
        node = getattr(importlib.import_module(f"{__package__}.{module}"), kind)()
        if name == "warden":
            node.start()
        return node

    return make


def main() -> None:
    """Run the node whose name this executable has."""
    sys.exit(run(factory(os.path.basename(sys.argv[0]))))


def composed() -> None:
    """Run nodes of a cell in one process: those named before ROS's arguments, or all but its
    hardware."""
    words = sys.argv[1:]
    named = words[: words.index("--ros-args")] if "--ros-args" in words else words
    names = named or [name for name in SETTINGS if name != "mujoco"]
    sys.exit(run(*(factory(name) for name in names)))
