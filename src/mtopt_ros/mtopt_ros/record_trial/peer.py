"""The same load into `ros2 bag record -s mcap`, where somebody has installed it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node

from mtopt_data.reader import EpisodeReader

from . import load as loads
from .load import Load
from .watch import SETTLE_S, cpu_s, flow, until_heard


def peer_trial(load: Load, folder: Path) -> dict[str, Any]:
    """One recording by rosbag2. Megabytes are 10^6 bytes of messages."""
    rclpy.init(args=[])
    node = Node("load", namespace="trial")
    streams = loads.streams(node, load)
    topics = [f"/trial/{stream.topic}" for stream in streams]
    bag = folder / "bag"
    words = ["ros2", "bag", "record", "--storage", "mcap", "--output", str(bag)]
    recorder = subprocess.Popen([*words, "--topics", *topics], stdout=subprocess.DEVNULL)
    try:
        until_heard(streams)
        before_s = cpu_s(recorder.pid)
        took_s = loads.publish(streams, load.seconds)
        time.sleep(SETTLE_S)
        recording_s = cpu_s(recorder.pid) - before_s
    finally:
        recorder.send_signal(signal.SIGINT)
        _, status, used = os.wait4(recorder.pid, 0)
        recorder.returncode = os.waitstatus_to_exitcode(status)
        node.destroy_node()
        rclpy.try_shutdown()
    written = _written(bag, [stream.topic for stream in streams])
    return flow(streams, written, took_s) | {
        "reported_drops": 0,
        "recording_cpu_s": recording_s,
        "cpu_s": used.ru_utime + used.ru_stime - before_s,
        "rss_mb": used.ru_maxrss / 1024,
    }


def _written(bag: Path, topics: list[str]) -> dict[str, int]:
    """Messages by topic in the bag's files."""
    counts = dict.fromkeys(topics, 0)
    for path in bag.glob("*.mcap"):
        with EpisodeReader(path) as reader:
            channels, said = reader.summary.channels, reader.summary.statistics
        for channel, count in said.channel_message_counts.items():
            topic = channels[channel].topic.removeprefix("/trial/")
            counts[topic] = counts.get(topic, 0) + count
    return counts
