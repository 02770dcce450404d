"""The simulated cell as a process: its clock, its speed, and what it shows."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from fakes.ros_processes import Process, start
from fakes.ros_session import FILES, Prober, until
from mtopt_ros.qos import RECORDED

pytestmark = pytest.mark.system

START_S = 120.0
SLOW, FAST = 0.25, 100.0
LISTEN_S = 2.0
STEP_NS = 4_000_000  # of the physics
TICK_NS = 10_000_000  # of the clock
PERIOD_NS = 50_000_000  # of the images below
SLACK_S = 0.5  # simulated: what came in late, and what the node may catch up on


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Lenses of images that cost next to nothing."""
    lenses = yaml.safe_load(Path(FILES["lenses_file"]).read_text(encoding="utf-8"))
    for lens in lenses.values():
        lens |= {"height_px": 48, "width_px": 64}
    path = tmp_path / "cameras.yaml"
    path.write_text(yaml.safe_dump(lenses), encoding="utf-8")
    return path


def stamps_ns(stamps: list[Any]) -> list[int]:
    return [stamp.sec * 10**9 + stamp.nanosec for stamp in stamps]


def passed(prober: Prober, node: Process, heard: list[Clock]) -> float:
    """Simulated time that passes in a while of wall time, on a clock that never goes back."""
    until(lambda: heard or not node.alive, "the clock", START_S)
    assert node.alive, node.log.read_text(encoding="utf-8")
    heard.clear()
    time.sleep(LISTEN_S)
    times_ns = stamps_ns([message.clock for message in list(heard)])
    assert len(times_ns) > 10
    assert times_ns == sorted(set(times_ns))
    assert all(time_ns % TICK_NS < STEP_NS for time_ns in times_ns)
    return (times_ns[-1] - times_ns[0]) * 1e-9


def test_the_clock_only_goes_forward_at_the_speed_that_was_asked_for(
    prober: Prober, tmp_path: Path, small: Path
) -> None:
    """How much faster is the machine's business; slower than asked at most, never faster."""
    simulated_s = {}
    for speed in (SLOW, FAST):
        heard = prober.heard(Clock, "/clock", RECORDED)
        node = start("mujoco", tmp_path, seed=1, speed=speed, lenses_file=str(small))
        try:
            simulated_s[speed] = passed(prober, node, heard)
        finally:
            assert node.end() == 0
    assert simulated_s[SLOW] <= SLOW * LISTEN_S + SLACK_S
    assert simulated_s[FAST] > 2.0 * simulated_s[SLOW]


def test_images_come_at_their_rate_in_simulated_time(
    prober: Prober, tmp_path: Path, small: Path
) -> None:
    images = prober.heard(Image, "camera/left/image_raw", RECORDED)
    node = start("mujoco", tmp_path, seed=1, lenses_file=str(small), camera_rate_hz=1e9 / PERIOD_NS)
    try:
        until(lambda: len(images) > 20 or not node.alive, "images", START_S)
    finally:
        assert node.end() == 0, node.log.read_text(encoding="utf-8")
    stamps = stamps_ns([image.header.stamp for image in images])
    gaps = {after - before for before, after in pairwise(stamps[1:])}
    # The first is taken at once. Some may be lost on the way; none comes twice, or beside its
    # time by more than a step.
    for gap in gaps:
        assert gap > 0 and abs(gap - PERIOD_NS * round(gap / PERIOD_NS)) <= STEP_NS
    assert min(gaps) <= PERIOD_NS + STEP_NS
