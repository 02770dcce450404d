"""The house's own laws: imports only point down, and the habits of the code.

The table is ARCHITECTURE.md's picture of the packages in a form that can fail.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

MOST_LINES = 400
VAGUE = {"utils", "util", "common", "helpers", "helper", "base", "misc"}


@dataclass(frozen=True)
class Room:
    """What a package may import: packages of this project, and packages of others.

    `wire` rooms may speak ROS. `outside` None leaves the choice of libraries free.
    """

    ours: frozenset[str]
    outside: frozenset[str] | None
    wire: bool = False


def room(ours: str = "", outside: str | None = "", wire: bool = False) -> Room:
    names = None if outside is None else frozenset(outside.split())
    return Room(frozenset(f"mtopt_{name}" for name in ours.split()), names, wire)


HOUSE = {
    "mtopt_core": room("", "numpy"),
    "mtopt_data": room("core", "numpy mcap mcap_ros2 yaml zstandard pyarrow duckdb fsspec"),
    "mtopt_robot": room(
        "core data", "numpy pinocchio coal ruckig ompl cv2 onnxruntime openvino yaml xacro"
    ),
    "mtopt_sim": room("core data robot", "numpy mujoco yaml xacro cv2"),
    "mtopt_learner": room("core data robot", "numpy torch onnx cv2 tensorboardX"),
    "mtopt_ros": room(
        "core data robot sim msgs", "numpy yaml ament_index_python foxglove", wire=True
    ),
    "mtopt_bringup": room("core data robot sim learner ros", None),
}
WITHOUT_PYTHON = {"mtopt_msgs"}  # generated from .msg, .srv and .action alone


def speaks_ros(name: str) -> bool:
    """Whether a top-level package is rclpy or a package of interfaces."""
    return name == "rclpy" or name.endswith(("_msgs", "_srvs", "_interfaces"))


def imported(tree: ast.Module) -> set[str]:
    """Top-level names of everything that a module imports absolutely, however it says so."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            named = (a.value for a in node.args if isinstance(a, ast.Constant))
            found |= {value for value in named if isinstance(value, str) and value}
    return {name.split(".")[0] for name in found if not name.startswith(".")}


def wrong_imports(package: str, tree: ast.Module) -> list[str]:
    """What a module of a package imports although its room does not allow it."""
    allowed = HOUSE[package]
    return sorted(
        name
        for name in imported(tree) - sys.stdlib_module_names - {package}
        if not _permitted(name, allowed)
    )


def _permitted(name: str, allowed: Room) -> bool:
    if name.startswith("mtopt_"):
        return name in allowed.ours
    if speaks_ros(name):
        return allowed.wire
    return allowed.outside is None or name in allowed.outside


def habits_broken(tree: ast.Module, may_print: bool) -> list[str]:
    """Every line of a module that prints, asserts or catches everything, and what it does."""
    broken: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            broken.append(f"line {node.lineno}: assert; raise an error that says what is wrong")
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            broken.append(f"line {node.lineno}: bare except; name what is caught")
        elif isinstance(node, ast.Call) and _name(node.func) == "print" and not may_print:
            broken.append(f"line {node.lineno}: print; only what a person starts may")
    return broken


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_cli(package: str, path: Path) -> bool:
    """Whether a module is one that a person talks to: no library, as all of bringup is none."""
    named = path.stem == "cli" or path.stem.endswith("_cli") or "cli" in path.parts
    return named or package == "mtopt_bringup"


def python_files() -> Iterator[tuple[str, Path]]:
    """(package, file) of every module in src."""
    for package in HOUSE:
        for path in sorted((SRC / package / package).rglob("*.py")):
            yield package, path


MODULES = list(python_files())
EVERY_MODULE = pytest.mark.parametrize(
    ("package", "path"), MODULES, ids=[str(path.relative_to(SRC)) for _, path in MODULES]
)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


# --- the house


def test_every_package_has_a_place_in_the_house() -> None:
    there = {path.parent.name for path in SRC.glob("*/package.xml")}
    assert there == set(HOUSE) | WITHOUT_PYTHON


def test_every_package_is_walked() -> None:
    assert {package for package, _ in MODULES} == set(HOUSE)
    for package in WITHOUT_PYTHON:
        assert not list((SRC / package).rglob("*.py"))


def test_the_table_only_points_down() -> None:
    floor: dict[str, int] = {"mtopt_msgs": 0}
    for package, allowed in HOUSE.items():
        assert allowed.ours <= set(floor), f"{package} may import what is not below it"
        floor[package] = 1 + max((floor[name] for name in allowed.ours), default=0)
    assert [package for package, allowed in HOUSE.items() if allowed.wire] == ["mtopt_ros"]
    assert all("mtopt_bringup" not in allowed.ours for allowed in HOUSE.values())
    assert [p for p, allowed in HOUSE.items() if "mtopt_msgs" in allowed.ours] == ["mtopt_ros"]


@EVERY_MODULE
def test_imports_point_down(package: str, path: Path) -> None:
    assert wrong_imports(package, parsed(path)) == []


@EVERY_MODULE
def test_habits(package: str, path: Path) -> None:
    assert habits_broken(parsed(path), may_print=is_cli(package, path)) == []


@EVERY_MODULE
def test_a_module_is_one_room_and_says_which(package: str, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES, f"{lines} lines, at most {MOST_LINES}: which two things is it?"
    parts = {
        word for part in path.relative_to(SRC).with_suffix("").parts for word in part.split("_")
    }
    assert not parts & VAGUE, "a module is named after what is in it"


# --- the text of the product

PRODUCT = (
    ".ci", "config", "docs", "launch", "models", "requirements", "setup", "src", "test", "urdf",
)  # fmt: skip
MADE = {"__pycache__", "build", "install", "log"}  # by tools, and ignored by git
BINARY = {".pyc", ".png", ".jpg", ".onnx", ".npz", ".stl", ".obj", ".mcap", ".svgz"}
SOMEBODYS_MACHINE = re.compile(r"(?<![\w.$}/-])/(?:home|Users|root|work|mnt|tmp/lab)/[\w.]")


def product_texts() -> Iterator[Path]:
    """Every text file that is part of the product."""
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file())
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix not in BINARY and not MADE & set(path.parts):
                yield path


def machine_paths(text: str) -> list[str]:
    """The lines that name a place which only exists on one person's machine."""
    return [line.strip() for line in text.splitlines() if SOMEBODYS_MACHINE.search(line)]


def test_no_text_names_a_place_on_somebodys_machine() -> None:
    texts = list(product_texts())
    assert len(texts) > 50
    named = {
        str(path.relative_to(ROOT)): machine_paths(
            path.read_text(encoding="utf-8", errors="replace")
        )
        for path in texts
    }
    assert {name: lines for name, lines in named.items() if lines} == {}


# --- the checks themselves


@pytest.mark.parametrize(
    ("package", "source", "wrong"),
    [
        ("mtopt_core", "import yaml", ["yaml"]),
        ("mtopt_core", "import numpy as np, json", []),
        ("mtopt_core", "from mtopt_data.writer import x", ["mtopt_data"]),
        ("mtopt_core", "def f():\n    import rclpy.node", ["rclpy"]),
        ("mtopt_core", "from . import action", []),
        ("mtopt_core", "import mtopt_core.action", []),
        ("mtopt_data", "import importlib\nimportlib.import_module('mtopt_ros.x')", ["mtopt_ros"]),
        ("mtopt_data", "from sensor_msgs.msg import Image", ["sensor_msgs"]),
        ("mtopt_robot", "import mujoco", ["mujoco"]),
        ("mtopt_sim", "import mtopt_robot.arm, mtopt_ros", ["mtopt_ros"]),
        ("mtopt_ros", "import rclpy, mtopt_sim, mtopt_msgs.msg, std_srvs.srv", []),
        ("mtopt_ros", "import mtopt_bringup, mujoco", ["mtopt_bringup", "mujoco"]),
        ("mtopt_bringup", "import supervisor, mtopt_ros.settings", []),
        ("mtopt_bringup", "import rclpy\nfrom mtopt_msgs.msg import A", ["mtopt_msgs", "rclpy"]),
    ],
)
def test_the_import_check_sees(package: str, source: str, wrong: list[str]) -> None:
    assert wrong_imports(package, ast.parse(source)) == wrong


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("print('x')", 1),
        ("assert x", 1),
        ("try:\n    f()\nexcept:\n    pass", 1),
        ("try:\n    f()\nexcept ValueError:\n    pass", 0),
        ("'print(x)'\n# assert", 0),
    ],
)
def test_the_habit_check_sees(source: str, count: int) -> None:
    assert len(habits_broken(ast.parse(source), may_print=False)) == count


def test_a_cli_may_print() -> None:
    assert habits_broken(ast.parse("print('x')"), may_print=True) == []
    assert is_cli("mtopt_data", Path("src/mtopt_data/mtopt_data/log_cli.py"))
    assert is_cli("mtopt_data", Path("src/mtopt_data/mtopt_data/cli/info.py"))
    assert is_cli("mtopt_bringup", Path("src/mtopt_bringup/mtopt_bringup/doctor.py"))
    assert not is_cli("mtopt_data", Path("src/mtopt_data/mtopt_data/client.py"))


@pytest.mark.parametrize("folder", ["home", "Users", "root", "work"])
def test_the_path_check_sees(folder: str) -> None:
    place = f"/{folder}/somebody/mtopt"
    assert machine_paths(f"fine\nsee {place}\n") == [f"see {place}"]
    assert machine_paths(f"PATH={place}") == [f"PATH={place}"]
    assert machine_paths(f"$HOME{place} .{place} a{place}") == []
