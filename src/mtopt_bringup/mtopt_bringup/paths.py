"""Where the shared files are: configuration, descriptions, models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path


def workspace_root() -> Path:
    """Where logs of runs go: the colcon workspace that holds this package, else here."""
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        workspace = Path(get_package_prefix("mtopt_bringup")).parents[1]
    except (PackageNotFoundError, IndexError):
        return Path.cwd()
    return workspace if (workspace / "src" / "mtopt_bringup").is_dir() else Path.cwd()


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where this user keeps the state of cells; another ROS domain has other cells."""
    kept = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(kept) / "mtopt" / f"domain{environment.get('ROS_DOMAIN_ID') or 0}"


@dataclass(frozen=True)
class Paths:
    """Folders that launch/, the nodes and the tests share. Absolute."""

    config: Path
    urdf: Path
    models: Path
    tasks_file: Path | None = None
    state: Path | None = None  # what outlives a start: latched emergency stops, a folder a cell

    @classmethod
    def below(cls, share: Path) -> Paths:
        """The folders as they lie in a checkout or in an installed share folder."""
        return cls(share / "config", share / "urdf", share / "models")

    @classmethod
    def installed(cls) -> Paths:
        """What mtopt_bringup installed; in a tree that is not built, the checkout's own."""
        from ament_index_python.packages import (
            PackageNotFoundError,
            get_package_share_directory,
        )

        try:
            share = Path(get_package_share_directory("mtopt_bringup"))
        except PackageNotFoundError:
            share = Path(__file__).resolve().parents[3]
        return replace(cls.below(share), state=state_folder(os.environ))

    @property
    def fleet(self) -> Path:
        """The fleet that is started unless another is named."""
        return self.config / "fleet.yaml"

    @property
    def tasks(self) -> Path:
        """The task registry, one for all cells; a scene may bring its own."""
        return self.tasks_file or self.config / "tasks.yaml"

    @property
    def node_files(self) -> dict[str, Path]:
        """What the file settings of the nodes are, unless a fleet says otherwise."""
        return {
            "workspace_file": self.config / "workspace.yaml",
            "actions_file": self.config / "actions.yaml",
            "tasks_file": self.tasks,
            "sim_file": self.config / "sim.yaml",
            "scenes_file": self.config / "scenes.yaml",
            "variation_file": self.config / "variation.yaml",
            "description_file": self.urdf / "mtopt_cell.urdf.xacro",
            "lenses_file": self.urdf / "cameras.yaml",
        }
