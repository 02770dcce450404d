"""The shell layer: what it refuses, what it prints, and what the environment holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mtopt_bringup import cli

ROOT = Path(__file__).resolve().parents[2]
SHELLS = [shell for shell in ("sh", "dash", "bash", "zsh") if shutil.which(shell)]
# A sourced ROS 2 brings an environment of its own, and then .venv has none.
wheels_only = pytest.mark.skipif(
    not (ROOT / ".venv" / "local_setup.sh").exists(), reason="ROS 2 is not from wheels here"
)
ROS_VARIABLES = ("ROS_DISTRO", "AMENT_PREFIX_PATH", "MTOPT_PYTHON")


def run(*command: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in this environment less any ROS, plus `variables`."""
    environ = {name: value for name, value in os.environ.items() if name not in ROS_VARIABLES}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environ | variables,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def call(function: str, *, root: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Calls one of the functions in setup/*.sh."""
    parts = ("stage", "ros", "python", "debian", "packages", "workspace")
    load = "".join(f'. "{ROOT}/setup/{part}.sh"; ' for part in parts)
    return run("sh", "-c", f'set -eu; root="$1"; {load}{function}', "sh", str(root), **variables)


@pytest.mark.parametrize("argument", ((), ("help",), ("--help",), ("-h",)))
def test_help_needs_nothing(argument: tuple[str, ...]) -> None:
    done = run("./mtopt", *argument, PATH="/usr/bin:/bin")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: ./mtopt COMMAND")
    assert not done.stderr


def test_every_command_of_the_python_side_is_known_here() -> None:
    known = re.findall(r"^    ([a-z -|]+)\)$", (ROOT / "mtopt").read_text(), re.MULTILINE)
    words = {word for pattern in known for word in pattern.split(" | ")}
    assert set(cli._COMMANDS) <= words


def test_an_unknown_command_sets_nothing_up() -> None:
    done = run("./mtopt", "nope", PATH="/usr/bin:/bin")
    assert done.returncode == 2
    assert "unknown command 'nope'" in done.stderr
    assert not done.stdout


def test_scripts_are_executable_and_parse() -> None:
    assert os.access(ROOT / "mtopt", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    for script in (ROOT / "mtopt", *ROOT.glob("setup/*.sh")):
        assert run("sh", "-n", str(script)).stderr == "", script


@pytest.mark.parametrize("distro", ("humble", "kilted", "rolling"))
def test_another_ros_is_refused_by_name(distro: str) -> None:
    done = run("./mtopt", "setup", ROS_DISTRO=distro, AMENT_PREFIX_PATH=f"/opt/ros/{distro}")
    assert done.returncode == 2
    assert f"'{distro}' is sourced" in done.stderr
    assert "Jazzy" in done.stderr


@pytest.mark.parametrize(
    ("variables", "mode"),
    (
        ({}, "wheels"),
        ({"ROS_DISTRO": "jazzy"}, "wheels"),
        ({"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": "/opt/ros/jazzy"}, "sourced"),
        ({"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": f"/o:{ROOT}/.venv"}, "wheels"),
    ),
)
def test_which_ros(variables: dict[str, str], mode: str) -> None:
    assert call('ros_mode; echo "$ros"', **variables).stdout == f"{mode}\n"


def test_a_sourced_ros_that_does_not_import_is_refused(tmp_path: Path) -> None:
    done = call(
        "ros_mode; find_python",
        ROS_DISTRO="jazzy",
        AMENT_PREFIX_PATH=str(tmp_path),
        PATH="/usr/bin:/bin",
        PYTHONPATH="",
    )
    if "imports its rclpy" not in done.stderr:
        pytest.skip("this machine's own Python has rclpy")
    assert done.returncode == 2


def test_an_unfit_python_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = call("ros_mode; find_python", MTOPT_PYTHON=str(old))
    assert done.returncode == 2
    assert f"MTOPT_PYTHON={old}" in done.stderr
    assert "3.11 or 3.12" in done.stderr


def test_missing_debian_packages_are_named_to_who_is_not_root(tmp_path: Path) -> None:
    fake = tmp_path / "id"
    fake.write_text("#!/bin/sh\necho 1000\n")
    fake.chmod(0o755)
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\nexit 1\n")
    apt.chmod(0o755)
    done = call("install_debian g++ libegl1", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 2
    assert "sudo apt-get install g++ libegl1\n" in done.stderr


def test_a_failing_stage_shows_the_end_of_its_log_and_fails(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    fail = "boom() { echo a reason; return 3; }; stage 'A stage' boom; echo not reached"
    done = call(fail, root=tmp_path)
    assert done.returncode == 1
    assert "A stage ... failed" in done.stderr
    assert "a reason" in done.stderr
    assert "not reached" not in done.stdout


def test_only_what_changed_is_built(tmp_path: Path) -> None:
    source = tmp_path / "src" / "mtopt_core" / "mtopt_core"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("")
    (tmp_path / "install" / "mtopt_core").mkdir(parents=True)
    assert call("changed_packages", root=tmp_path).stdout == "mtopt_core\n"

    stamp = 'package_stamp mtopt_core >"$(stamp_of mtopt_core)"'
    assert call(f"{stamp}; changed_packages", root=tmp_path).stdout == ""

    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "x.cpython-311.pyc").write_text("")
    assert call("changed_packages", root=tmp_path).stdout == ""

    (source / "__init__.py").write_text("VALUE = 1\n")
    assert call("changed_packages", root=tmp_path).stdout == "mtopt_core\n"


def test_a_package_that_pip_did_not_finish_is_dropped(tmp_path: Path) -> None:
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("whole-1.dist-info", "half-1.dist-info", "~old"):
        (packages / name).mkdir(parents=True)
    (packages / "whole-1.dist-info" / "INSTALLER").write_text("pip\n")
    assert call("drop_half_installed", root=tmp_path).returncode == 0
    assert [entry.name for entry in packages.iterdir()] == ["whole-1.dist-info"]


@wheels_only
@pytest.mark.parametrize("shell", SHELLS)
def test_environment_in_every_shell_and_twice(shell: str) -> None:
    done = run(
        shell,
        "-c",
        "set -eu; . setup/env.sh; first=$PATH:$AMENT_PREFIX_PATH:$LD_LIBRARY_PATH; "
        'set +u; . setup/env.sh; [ "$first" = "$PATH:$AMENT_PREFIX_PATH:$LD_LIBRARY_PATH" ]; '
        'echo "$ROS_AUTOMATIC_DISCOVERY_RANGE $MUJOCO_GL"; python -c "import mtopt_msgs"',
        ROS_AUTOMATIC_DISCOVERY_RANGE="",
        MUJOCO_GL="",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "LOCALHOST egl\n"


@wheels_only
def test_environment_keeps_what_a_user_chose() -> None:
    done = run(
        "sh",
        "-c",
        '. setup/env.sh; echo "$ROS_AUTOMATIC_DISCOVERY_RANGE $MUJOCO_GL"',
        ROS_AUTOMATIC_DISCOVERY_RANGE="SUBNET",
        MUJOCO_GL="osmesa",
    )
    assert done.stdout == "SUBNET osmesa\n"
