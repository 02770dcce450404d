"""What has to be right before anything starts. A check says field, value and what is allowed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mtopt_core.config import from_mapping
from mtopt_core.errors import ConfigError
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml
from mtopt_ros.settings import CAMERAS

from ..errors import NotInstalled
from ..spoken import SOURCE
from .arguments import Arguments
from .fleet import CellConfig
from .graph import Process

# What stands behind the hardware topics comes from these packages.
NEEDED = {
    "mujoco": (),
    "mock": ("controller_manager", "joint_trajectory_controller", "joint_state_broadcaster"),
    "gazebo": ("ros_gz_sim", "ros_gz_bridge", "gz_ros2_control", "joint_trajectory_controller"),
    "iiwa": ("controller_manager", "joint_trajectory_controller", "lbr_ros2_control"),
}


def check(
    cells: Sequence[CellConfig], processes: Sequence[Process], arguments: Arguments, source: str
) -> None:
    """All checks; raises ConfigError, DataError or NotInstalled for the first that fails."""
    for cell in cells:
        check_hardware(cell)
        check_cameras(cell, source)
    check_models(arguments)
    check_files(processes)
    check_data(arguments.data_folder, _reserve_mb(cells))


def check_hardware(cell: CellConfig) -> None:
    """The ROS packages behind a cell's hardware topics are there; raises NotInstalled."""
    from ament_index_python.packages import get_packages_with_prefixes

    missing = [name for name in NEEDED[cell.hardware] if name not in get_packages_with_prefixes()]
    if missing:
        debian = " ".join(f"ros-jazzy-{name.replace('_', '-')}" for name in missing)
        raise NotInstalled(
            f"hardware = {cell.hardware!r} ({cell.name}): needs {', '.join(missing)}: on a ROS 2 "
            f"Jazzy machine install {debian} and source its setup.sh; mujoco needs none"
        )


def check_cameras(cell: CellConfig, source: str) -> None:
    """Devices, videos and the calibration exist; raises ConfigError."""
    cameras = cell.cameras
    where = f"{source}: {cell.name}: cameras"
    for camera in CAMERAS:
        path = Path(getattr(cameras, camera))
        if cameras.source == "v4l2" and not path.is_char_device():
            present = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
            allowed = f"no such camera device; present: {present}"
            raise ConfigError(where, camera, str(path), allowed)
        if cameras.source == "v4l2" and not os.access(path, os.R_OK | os.W_OK):
            allowed = "not permitted: add yourself to the group video"
            raise ConfigError(where, camera, str(path), allowed)
        if cameras.source == "file" and not (path.is_file() and os.access(path, os.R_OK)):
            raise ConfigError(where, camera, str(path), "no such video file, or not readable")
    if cameras.calibration and not Path(cameras.calibration).is_file():
        raise ConfigError(where, "calibration", cameras.calibration, "no such file")


def check_models(arguments: Arguments) -> None:
    """The model store, if one is named; raises ConfigError."""
    if arguments.models and not Path(arguments.models).expanduser().is_dir():
        raise ConfigError(SOURCE, "models", arguments.models, "must be an existing folder")


def check_files(processes: Sequence[Process]) -> None:
    """Every configuration file that a node will read, read once; raises MtoptError."""
    seen: set[tuple[str, str]] = set()
    for process in processes:
        for node, parameters in process.parameters.items():
            for field, value in parameters.items():
                if field.endswith("_file") and value and (field, value) not in seen:
                    seen.add((field, value))
                    _read(node, field, value)


def _read(node: str, field: str, path: str) -> None:
    reader = _READERS.get(field)
    if not Path(path).is_file():
        raise ConfigError(node, field, path, "no such file")
    if reader is not None:
        reader(path)


def _simulation(path: str) -> Any:
    from mtopt_sim.config import SimConfig

    return from_mapping(SimConfig, read_yaml(path), path)


def _scenes(path: str) -> Any:
    from mtopt_sim.variation.scenes import read_scenes

    return read_scenes(Path(path))


def _variation(path: str) -> Any:
    from mtopt_sim.variation.scenes import read_variation

    return read_variation(Path(path))


_READERS: dict[str, Callable[[str], Any]] = {
    "workspace_file": config_files.workspace,
    "actions_file": config_files.action_bounds,
    "tasks_file": config_files.tasks,
    "sim_file": _simulation,
    "scenes_file": _scenes,
    "variation_file": _variation,
    "lenses_file": read_yaml,
    "calibration_file": read_yaml,
}


def check_data(folder: Path, reserve_mb: int) -> None:
    """The data folder can be made and written, and has room; raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".mtopt-"):
            pass
    except OSError as error:
        allowed = f"must be a folder that can be written: {error.strerror or error}"
        raise ConfigError(SOURCE, "data", str(folder), allowed) from None
    free_mb = shutil.disk_usage(folder).free // 10**6
    if free_mb < reserve_mb:
        allowed = f"{free_mb} MB are free there: must be at least {reserve_mb} MB"
        raise ConfigError(SOURCE, "data", str(folder), allowed)


def _reserve_mb(cells: Sequence[CellConfig]) -> int:
    return max((cell.nodes.recorder.disk_reserve_mb for cell in cells), default=0)
