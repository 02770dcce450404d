"""Bench `log`: writing and checking episodes, beside writing the same bytes to plain files.

The load is a cell's: three cameras whose JPEGs don't compress further, joint states, steps.
A cell in simulation or in a laboratory writes about 2 MB/s.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.verification import verify
from mtopt_data.writer import EpisodeWriter

from .report import Goal, Report

EPISODES = 4
FRAMES = 250  # of each camera: 25 s at 10 Hz
JPEG_BYTES = 60_000
STATE_BYTES = 400
STATES_PER_FRAME = 10
_FRAME_NS = 100_000_000
_CAMERAS = ("overhead", "left", "right")
_CDR_HEADER = b"\x00\x01\x00\x00"
_BYTES_TYPE = ("mtopt_bench/msg/Bytes", "uint8[] data")  # any type does: the log stores bytes
_GOALS = {"write_mb_s": Goal(at_least=20.0), "verify_mb_s": Goal(at_least=40.0)}


def measure() -> Report:
    """MB are 10^6 bytes of messages; each rate is the best of the episodes."""
    load = _Load()
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        root = Path(folder)
        written = [_write(root, load, number) for number in range(EPISODES)]
        verified = [_timed(partial(verify, path)) for path, _ in written]
        plain = [_timed(partial(_plain, root / f"plain{n}", load)) for n in range(EPISODES)]
        size = written[0][0].stat().st_size
    fastest_s = min(seconds for _, seconds in written)
    figures = {
        "write_mb_s": load.bytes / fastest_s / 1e6,
        "verify_mb_s": load.bytes / min(verified) / 1e6,
        "plain_file_mb_s": load.bytes / min(plain) / 1e6,
        "write_cells": load.seconds / fastest_s,
        "episode_mb": size / 1e6,
    }
    return Report("log", {name: round(value, 2) for name, value in figures.items()}, _GOALS)


class _Load:
    """The messages of one episode: topic, bytes, time."""

    def __init__(self) -> None:
        noise = random.Random(1)
        state = _message(noise, STATE_BYTES)
        self.messages: list[tuple[str, bytes, int]] = []
        for frame in range(FRAMES):
            at_ns = frame * _FRAME_NS
            self.messages += [
                (f"camera/{camera}/image_raw/compressed", _message(noise, JPEG_BYTES), at_ns)
                for camera in _CAMERAS
            ]
            self.messages += [("joint_states", state, at_ns)] * STATES_PER_FRAME
        self.topics = sorted({topic for topic, _, _ in self.messages})
        self.bytes = sum(len(data) for _, data, _ in self.messages)
        self.seconds = FRAMES * _FRAME_NS / 1e9


def _message(noise: random.Random, size: int) -> bytes:
    return _CDR_HEADER + noise.randbytes(size)


def _write(root: Path, load: _Load, number: int) -> tuple[Path, float]:
    """One episode, and the seconds from opening to its final name."""
    began_s = time.perf_counter()
    started_ns = time.time_ns()
    episode = EpisodeId.new("bench", started_ns)
    start = EpisodeStart(
        episode_id=str(episode),
        cell="bench",
        task="lift-any",
        skill="lift",
        robot_serial="",
        operator="",
        calibration_hash="",
        software_version="bench",
        seed=number,
        started_ns=started_ns,
    )
    writer = EpisodeWriter(root, start)
    for topic in load.topics:
        writer.add_channel(topic, *_BYTES_TYPE)
    for topic, data, at_ns in load.messages:
        writer.write(topic, data, started_ns + at_ns, started_ns + at_ns)
    ended = start.finished(ended_ns=started_ns, steps=0, end_reason="terminated")
    return writer.close(ended), time.perf_counter() - began_s


def _plain(path: Path, load: _Load) -> None:
    """The same bytes with nothing around them, on the disk when it returns."""
    with path.open("wb") as file:
        for _, data, _ in load.messages:
            file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _timed(job: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    job()
    return time.perf_counter() - began_s
