"""The parameters of each process as the YAML file that ROS reads at its start."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from .graph import Process


def document(process: Process) -> dict[str, Any]:
    """What the file says: parameters under the full name of each node."""
    return {
        f"{process.namespace}/{node}": {"ros__parameters": parameters}
        for node, parameters in process.parameters.items()
    }


def write(processes: Iterable[Process], folder: Path) -> dict[str, Path]:
    """One file a process, by the process's name."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for process in processes:
        files[process.name] = folder / f"{process.name}.yaml"
        text = yaml.safe_dump(document(process), sort_keys=False, allow_unicode=True)
        files[process.name].write_text(text, encoding="utf-8")
    return files
