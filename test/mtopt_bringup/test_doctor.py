"""The check-up: each finding right on facts made up for it, the whole of it on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_bringup import checkup, doctor
from mtopt_bringup.checkup import Finding


def works(_: str) -> tuple[bool, str]:
    return True, "fine"


def fails(_: str) -> tuple[bool, str]:
    return False, "ModuleNotFoundError: No module named 'x'"


@pytest.mark.parametrize(
    ("version", "ok"), (((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), False))
)
def test_python(version: tuple[int, int], ok: bool) -> None:
    assert checkup.check_python(version, "/usr/bin/python3").ok is ok


def test_ros_from_wheels_and_sourced() -> None:
    wheels = checkup.check_ros({"ROS_DISTRO": "jazzy"}, "7.1.6", works)
    assert wheels.ok and "wheels, rclpy 7.1.6" in wheels.text and "SUBNET" in wheels.text
    local = {"ROS_DISTRO": "jazzy", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    sourced = checkup.check_ros(local, None, works)
    assert sourced.ok and "sourced" in sourced.text and "LOCALHOST" in sourced.text


def test_ros_of_another_distribution_is_named() -> None:
    finding = checkup.check_ros({"ROS_DISTRO": "humble"}, None, works)
    assert not finding.ok and "humble" in finding.text and "jazzy" in finding.mend


def test_ros_that_does_not_import() -> None:
    finding = checkup.check_ros({}, None, fails)
    assert not finding.ok and finding.mend == checkup.SETUP


def test_workspace_is_known_by_its_index(tmp_path: Path) -> None:
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    environ = {"AMENT_PREFIX_PATH": f"/nowhere:{tmp_path}"}
    (index / "mtopt_msgs").touch()
    assert not checkup.check_workspace(environ).ok
    (index / "mtopt_bringup").touch()
    assert checkup.check_workspace(environ) == Finding(
        "Workspace", True, "2 packages built", checkup.SETUP
    )
    assert not checkup.check_workspace({}).ok


@pytest.mark.parametrize(
    ("kind", "answer", "mend"),
    (
        ("egl", "no display", "sudo apt-get install libegl1"),
        ("osmesa", "no library", "sudo apt-get install libosmesa6"),
        ("glfw", "no display", "set MUJOCO_GL to egl or osmesa"),
        ("egl", "No module named 'mujoco'", checkup.SETUP),
    ),
)
def test_renderer_says_how_to_mend(kind: str, answer: str, mend: str) -> None:
    finding = checkup.check_renderer({"MUJOCO_GL": kind}, lambda _: (False, answer))
    assert not finding.ok
    assert finding.mend.startswith(mend)


def test_renderer_really_renders() -> None:
    finding = checkup.check_renderer({"MUJOCO_GL": "egl"})
    assert finding.ok, finding.text
    assert "64x64" in finding.text


def test_onnx_offers_the_processor() -> None:
    assert "CPUExecutionProvider" in checkup.check_onnx().text


def test_moveit_may_be_there_and_need_not(tmp_path: Path) -> None:
    assert "OMPL" in checkup.check_moveit({}, fails).text
    environ = {"AMENT_PREFIX_PATH": f"/nowhere:{tmp_path}"}
    assert "no move_group" in checkup.check_moveit(environ, works).text
    program = tmp_path / "lib" / "moveit_ros_move_group" / "move_group"
    program.parent.mkdir(parents=True)
    program.touch()
    assert "moveit.launch.py" in checkup.check_moveit(environ, works).text


def test_room_is_measured_against_what_is_wanted(tmp_path: Path) -> None:
    assert checkup.check_room("Disk", tmp_path, 10, 10, "mend").ok
    assert not checkup.check_room("Disk", tmp_path, 9, 10, "mend").ok


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert str(tmp_path) in checkup.check_disk(tmp_path / "a" / "b").text


def test_shared_memory_must_be_there(tmp_path: Path) -> None:
    assert not checkup.check_shared_memory(tmp_path / "none").ok


@pytest.mark.parametrize(("cores", "ok"), ((1, False), (2, True)))
def test_cores(cores: int, ok: bool) -> None:
    assert checkup.check_cores(cores).ok is ok


@pytest.mark.parametrize(("gib", "ok"), ((2, False), (8, True)))
def test_memory(gib: int, ok: bool) -> None:
    assert checkup.check_memory(gib * checkup.GIB).ok is ok


def test_build_tools_name_their_packages(tmp_path: Path) -> None:
    finding = checkup.check_build_tools(lambda _: None, tmp_path)
    assert not finding.ok
    assert finding.mend.startswith("sudo apt-get install g++ cmake make python3.")
    (tmp_path / "Python.h").touch()
    assert checkup.check_build_tools(lambda name: f"/usr/bin/{name}", tmp_path).ok


def test_probe_tells_how_it_ended() -> None:
    assert checkup.probe("print('one'); print('two')") == (True, "two")
    assert checkup.probe("raise SystemExit('bad')") == (False, "bad")
    assert checkup.probe("raise SystemExit(3)") == (False, "exit code 3")


def test_lines_show_the_way_to_mend_only_where_it_is_needed() -> None:
    good, bad = Finding("A", True, "fine", "never"), Finding("B", False, "gone", "do this")
    assert doctor.lines([good, bad]) == [
        ("ok", "A", "fine"),
        ("missing", "B", "gone"),
        ("", "", "mend: do this"),
    ]


@pytest.mark.parametrize(("ok", "code"), ((True, 0), (False, 1)))
def test_exit_code(
    ok: bool, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "check_all", lambda *_: [Finding("A", ok, "text", "mend")])
    assert doctor.run([]) == code
    assert "text" in capsys.readouterr().out


def test_the_whole_check_up_on_this_machine(tmp_path: Path) -> None:
    findings = {finding.topic: finding for finding in checkup.check_all({}, tmp_path)}
    assert {"Python", "ROS 2", "Renderer", "ONNX Runtime", "GPU", "Disk"} <= set(findings)
    assert all(finding.ok or finding.mend for finding in findings.values())
