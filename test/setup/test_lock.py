"""The lock files pin every package by version and hash, and tell no address."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "requirements"
LAYERS = ("bootstrap", "build", "ros", "robot", "learn", "dev")
APART = ("bench",)  # for an interpreter of its own, so it need not agree with the others
UNLOCKED = ("torch",)  # a file for each Python, and none that all machines have
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[0-9][0-9a-z.]*)$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(layer: str) -> dict[str, tuple[str, list[str]]]:
    """Name to (version, hashes); raises ValueError on a line of any other kind."""
    found: dict[str, tuple[str, list[str]]] = {}
    text = (FOLDER / f"{layer}.lock").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        requirement, *hashes = line.split()
        pin = PIN.match(requirement)
        if pin is None or not hashes or not all(HASH.match(entry) for entry in hashes):
            raise ValueError(f"{layer}.lock: not a pinned package with hashes: {line[:80]!r}")
        found[pin["name"]] = (pin["version"], hashes)
    return found


def asked(layer: str) -> set[str]:
    lines = (line.split("#")[0].strip() for line in (FOLDER / f"{layer}.in").open())
    return {normal(re.split(r"[\[<>=~! ]", line)[0]) for line in lines if line and line[0] != "-"}


def test_layers_are_all_there_is() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*LAYERS, *APART, *UNLOCKED}


@pytest.mark.parametrize("layer", LAYERS + APART)
def test_every_line_is_a_pinned_package_with_hashes(layer: str) -> None:
    assert pins(layer)


@pytest.mark.parametrize("layer", LAYERS + APART)
@pytest.mark.parametrize("kind", ("in", "lock"))
def test_no_addresses(layer: str, kind: str) -> None:
    text = (FOLDER / f"{layer}.{kind}").read_text()
    assert not re.search(r"://|--index|--find-links|--trusted-host|@ |\bfile:", text)


@pytest.mark.parametrize("layer", LAYERS + APART)
def test_everything_asked_for_is_locked(layer: str) -> None:
    assert asked(layer)
    assert asked(layer) <= set(pins(layer))


def test_layers_agree_on_every_version() -> None:
    chosen: dict[str, str] = {}
    for layer in LAYERS:
        for name, (version, _) in pins(layer).items():
            assert chosen.setdefault(name, version) == version, name


def test_ros_packages_are_jazzys() -> None:
    locked = pins("ros")
    # One from each repository of the distribution; Kilted has a higher first or second number.
    for name, jazzy in {
        "ros-rclpy": "7.1.", "ros-rcl": "9.2.", "ros-rmw": "7.3.", "ros-rosidl-adapter": "4.6.",
        "ros-rmw-fastrtps-cpp": "8.4.", "ros-common-interfaces": "5.3.", "ros-ament-cmake": "2.5.",
        "ros-rcl-interfaces": "2.0.", "ros-rcutils": "6.7.", "ros-rcpputils": "2.11.",
        "ros-rosidl-typesupport-c": "3.2.", "ros-fastrtps": "2.14.", "ros-fastcdr": "2.2.",
    }.items():  # fmt: skip
        assert locked[name][0].startswith(jazzy), name


def test_nothing_with_gigabytes() -> None:
    everything = {name for layer in LAYERS for name in pins(layer)}
    assert not {name for name in everything if name.startswith(("torch", "nvidia-", "triton"))}


def test_what_is_installed_is_what_is_locked() -> None:
    locked = {name: version for layer in LAYERS for name, (version, _) in pins(layer).items()}
    running = {
        normal(found.metadata["Name"]): found.version
        for found in distributions()
        if ".venv" in str(found.locate_file(""))
    }
    differing = {
        name: (version, locked[name])
        for name, version in running.items()
        if locked.get(name, version) != version
    }
    assert not differing
