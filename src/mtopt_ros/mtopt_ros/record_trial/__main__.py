"""`python -m mtopt_ros.record_trial`: one load into one recorder; prints one JSON object.

The recorder is a process of its own, this one publishes. What was offered is counted here, what
was written and what the recorder says it lost is in the file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node

from mtopt_core.cell import EndReason
from mtopt_data.naming import EpisodeId
from mtopt_data.reader import read_metadata
from mtopt_msgs.msg import EpisodeOutcome
from mtopt_msgs.srv import StartRecording, StopRecording

from ..process import run
from ..recorder_node import RecorderNode
from . import load as loads
from .load import Load
from .peer import peer_trial
from .watch import PATIENCE_S, SETTLE_S, Desk, cpu_s, flow, peak_mb, until_heard

CELL = "trial"


def main(words: list[str]) -> int:
    """Be the recorder, or the load and the judge."""
    parser = argparse.ArgumentParser(prog="record_trial")
    parser.add_argument("--recorder", metavar="FOLDER")
    parser.add_argument("--images", choices=(loads.JPEG, loads.RAW), required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--peer", action="store_true", help="the load goes into rosbag2")
    wanted = parser.parse_args(words)
    if wanted.recorder:
        return _be_recorder(wanted.recorder, wanted.images)
    load = Load(wanted.images, wanted.scale, wanted.seconds)
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        measured = peer_trial if wanted.peer else trial
        sys.stdout.write(json.dumps(measured(load, Path(folder))) + "\n")
    return 0


def trial(load: Load, folder: Path) -> dict[str, Any]:
    """One episode under a load. Megabytes are 10^6 bytes of messages."""
    rclpy.init(args=[])
    node = Node("load", namespace=CELL)
    words = ["--recorder", str(folder), "--images", load.images]
    recorder = subprocess.Popen([sys.executable, "-m", __package__, *words])
    try:
        return _measured(load, node, recorder)
    finally:
        recorder.terminate()
        recorder.wait(PATIENCE_S)
        node.destroy_node()
        rclpy.try_shutdown()


def _measured(load: Load, node: Node, recorder: subprocess.Popen[bytes]) -> dict[str, Any]:
    desk = Desk(node)
    for change in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        order = ChangeState.Request(transition=Transition(id=change))
        desk.ask(ChangeState, "recorder/change_state", order)
    streams = loads.streams(node, load)
    until_heard(streams)
    episode = str(EpisodeId.new(CELL, time.time_ns()))
    begin = StartRecording.Request(episode_id=episode, cell=CELL, task="trial", skill="trial")
    desk.ask(StartRecording, "recorder/start", begin)
    before_s = cpu_s(recorder.pid)
    took_s = loads.publish(streams, load.seconds)
    time.sleep(SETTLE_S)
    recording_s = cpu_s(recorder.pid) - before_s
    outcome = EpisodeOutcome(episode_id=episode, end_reason=EndReason.STOPPED.value)
    done = desk.ask(
        StopRecording, "recorder/stop", StopRecording.Request(episode_id=episode, outcome=outcome)
    )
    all_s = cpu_s(recorder.pid) - before_s
    metadata = read_metadata(done.path)
    written = {s.topic: metadata.frames.get(f"/{CELL}/{s.topic}", 0) for s in streams}
    return flow(streams, written, took_s) | {
        "reported_drops": sum(metadata.drops.values()),
        "recording_cpu_s": recording_s,
        "cpu_s": all_s,
        "rss_mb": peak_mb(recorder.pid),
    }


def _be_recorder(folder: str, images: str) -> int:
    words = ["--ros-args", "-r", f"__ns:=/{CELL}", "-p", f"data:={folder}"]
    return run(lambda: RecorderNode(topics=loads.topics(images)), argv=words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
