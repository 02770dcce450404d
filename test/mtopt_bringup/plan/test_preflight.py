"""What has to be right before a start, and what is said where it is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mtopt_bringup.errors import NotInstalled
from mtopt_bringup.plan import preflight
from mtopt_bringup.plan.arguments import Arguments
from mtopt_bringup.plan.fleet import CameraDevices, CellConfig, Fleet
from mtopt_bringup.plan.graph import Process
from mtopt_bringup.processes.claim import Claim
from mtopt_core.errors import ConfigError, MtoptError


def cell(**cameras: str) -> CellConfig:
    return CellConfig(name="a", cameras=CameraDevices(**cameras))


def test_a_data_folder_is_made(tmp_path: Path) -> None:
    preflight.check_data(tmp_path / "d" / "e", 1)
    assert list((tmp_path / "d" / "e").iterdir()) == []


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "d").touch()
    with pytest.raises(ConfigError, match=r"data = '.*/d': must be a folder that can be written"):
        preflight.check_data(tmp_path / "d", 1)


def test_a_data_folder_below_what_is_no_folder() -> None:
    with pytest.raises(ConfigError, match=r"data = '/proc/nowhere/d'"):
        preflight.check_data(Path("/proc/nowhere/d"), 1)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_data_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="must be a folder that can be written"):
        preflight.check_data(tmp_path, 1)


def test_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"MB are free there: must be at least \d+ MB"):
        preflight.check_data(tmp_path, 10**12)


def test_a_missing_camera_device(tmp_path: Path) -> None:
    devices = {name: str(tmp_path / "video9") for name in ("overhead", "left", "right")}
    with pytest.raises(ConfigError, match=r"f.yaml: a: cameras: overhead = '.*video9': no such"):
        preflight.check_cameras(cell(source="v4l2", **devices), "f.yaml")


def test_a_missing_video(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").touch()
    files = {"overhead": "there.mp4", "left": "gone.mp4", "right": "there.mp4"}
    chosen = {name: str(tmp_path / file) for name, file in files.items()}
    with pytest.raises(ConfigError, match=r"cameras: left = '.*gone.mp4': no such video file"):
        preflight.check_cameras(cell(source="file", **chosen), "f.yaml")


def test_a_missing_calibration() -> None:
    with pytest.raises(ConfigError, match=r"calibration = '/c.yaml': no such file"):
        preflight.check_cameras(cell(calibration="/c.yaml"), "f.yaml")


def test_a_missing_model_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"models = .* must be an existing folder"):
        preflight.check_models(Arguments(models=str(tmp_path / "m")))
    preflight.check_models(Arguments(models=str(tmp_path)))


@pytest.mark.parametrize("hardware", ["mock", "gazebo", "iiwa"])
def test_hardware_names_what_to_install(
    hardware: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    with pytest.raises(NotInstalled, match=r"install ros-jazzy-.*joint-trajectory-controller"):
        preflight.check_hardware(CellConfig(name="a", hardware=hardware))


def test_hardware_that_is_installed_is_let_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    for package in preflight.NEEDED["mock"]:
        (index / package).touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    preflight.check_hardware(CellConfig(name="a", hardware="mock"))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("workspace_file", "bins: [", "own.yaml"),
        ("workspace_file", "bin: {}", "own.yaml"),
        ("sim_file", "objects: [unicorn]", "own.yaml: objects"),
        ("sim_file", "timestep_s: fast", "own.yaml: timestep_s = 'fast'"),
    ],
)
def test_a_typing_error_in_a_file_of_the_nodes_is_found_before_the_start(
    start: Callable[..., tuple[Process, ...]], tmp_path: Path, file: str, text: str, said: str
) -> None:
    (tmp_path / "own.yaml").write_text(text)
    processes = start({"name": "a", "nodes": {"mujoco": {file: "own.yaml"}}})
    with pytest.raises(MtoptError, match=said):
        preflight.check_files(processes)


def test_the_shipped_files_are_right(start: Callable[..., tuple[Process, ...]]) -> None:
    preflight.check_files(start())


def test_a_cell_runs_once_in_a_domain() -> None:
    environment = {"ROS_DOMAIN_ID": "231"}
    first = Claim(["claim_test"], environment)
    try:
        with pytest.raises(ConfigError, match=rf"claim_test.*domain 231 \(process {os.getpid()}\)"):
            Claim(["other", "claim_test"], environment)
        Claim(["claim_test"], {"ROS_DOMAIN_ID": "230"}).release()
        Claim(["other"], environment).release()
    finally:
        first.release()
    Claim(["claim_test"], environment).release()


def test_the_reserve_is_the_largest_of_the_cells(
    load: Callable[..., Fleet], tmp_path: Path
) -> None:
    huge = {"recorder": {"disk_reserve_mb": 10**7}}
    fleet = load({"name": "a"}, {"name": "b", "nodes": huge})
    with pytest.raises(ConfigError, match="must be at least 10000000 MB"):
        preflight.check(fleet.cells, (), Arguments(data=str(tmp_path / "d")), fleet.source)
