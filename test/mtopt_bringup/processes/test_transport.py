"""Shared memory for images: as much as fits."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from mtopt_bringup.errors import StartFailed
from mtopt_bringup.paths import Paths
from mtopt_bringup.processes import transport

NAMES = {"p": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}


@pytest.mark.parametrize(
    ("senders", "room_mb", "size"), [(2, 4000, 64), (2, 100, 32), (2, 64, 16), (20, 4000, 64)]
)
def test_the_segment_fits_the_room(senders: int, room_mb: float, size: int) -> None:
    assert transport.segment_mb(senders, room_mb) == size
    assert senders * size < room_mb


def test_too_little_memory_says_how_much_is_needed() -> None:
    with pytest.raises(StartFailed, match=r"30 MB .* at least 44 MB for 2 processes"):
        transport.segment_mb(2, 30)


def test_a_small_machine_gets_a_smaller_profile(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "free_mb", lambda: 64.0)
    chosen = transport.profiles(2, paths, tmp_path, {})
    assert chosen.images is not None
    assert chosen.images.parent == tmp_path
    sizes = ElementTree.parse(chosen.images).findall(".//p:segment_size", NAMES)
    assert [size.text for size in sizes] == [str(16 * 2**20)]


def test_the_shipped_profiles_are_well_formed_and_stay_on_this_machine(paths: Paths) -> None:
    for name in ("fastdds.xml", "fastdds_images.xml"):
        tree = ElementTree.parse(paths.config / name)
        allowed = tree.findall(".//p:interfaceWhiteList/p:address", NAMES)
        assert [address.text for address in allowed] == ["127.0.0.1"]
        asked = {t.text for t in tree.findall(".//p:userTransports/p:transport_id", NAMES)}
        made = {t.text for t in tree.findall(".//p:transport_descriptor/p:transport_id", NAMES)}
        assert asked == made


def test_a_profile_of_the_users_own_is_kept(paths: Paths, tmp_path: Path) -> None:
    chosen = transport.profiles(2, paths, tmp_path, {transport.PROFILE: "/own.xml"})
    assert chosen.environment(sends_images=True) == {}


def test_discovery_stays_on_the_machine_unless_the_user_says_otherwise() -> None:
    name = "ROS_AUTOMATIC_DISCOVERY_RANGE"
    assert transport.defaults({})[name] == "LOCALHOST"
    assert name not in transport.defaults({name: "SUBNET"})


@pytest.mark.parametrize("name", ["fastdds.xml", "fastdds_images.xml"])
def test_nobody_looks_into_the_next_domain(name: str, paths: Paths) -> None:
    """A domain has 250 ports; a process's own are the 10th and 11th, and two more for each before
    it. One that asked further would find, and obey, cells of the domain after its own."""
    asked = re.findall(r"<maxInitialPeersRange>(\d+)<", (paths.config / name).read_text())
    assert asked
    assert all(11 + 2 * (int(count) - 1) < 250 for count in asked)
    assert all(int(count) >= 64 for count in asked)  # seven cells of nine processes
