"""`python -m mtopt_ros.record_trial`: one load into one recorder; prints one JSON object.

The recorder is a process of its own, this one publishes. What was offered is counted here, what
was written and what the recorder says it lost is in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from mtopt_core.cell import EndReason
from mtopt_data.naming import EpisodeId
from mtopt_data.reader import read_metadata
from mtopt_msgs.msg import EpisodeOutcome
from mtopt_msgs.srv import StartRecording, StopRecording

from ..calls import call
from ..process import run
from ..recorder_node import RecorderNode
from . import load as loads
from .load import Load, Stream

CELL = "trial"
_PATIENCE_S = 60.0
_SETTLE_S = 1.0  # for what is on its way


def main(words: list[str]) -> int:
    """Be the recorder, or the load and the judge."""
    parser = argparse.ArgumentParser(prog="record_trial")
    parser.add_argument("--recorder", metavar="FOLDER")
    parser.add_argument("--images", choices=(loads.JPEG, loads.RAW), required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    wanted = parser.parse_args(words)
    if wanted.recorder:
        return _be_recorder(wanted.recorder, wanted.images)
    load = Load(wanted.images, wanted.scale, wanted.seconds)
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        sys.stdout.write(json.dumps(trial(load, Path(folder))) + "\n")
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
        recorder.wait(_PATIENCE_S)
        node.destroy_node()
        rclpy.try_shutdown()


def _measured(load: Load, node: Node, recorder: subprocess.Popen[bytes]) -> dict[str, Any]:
    desk = _Desk(node)
    for change in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        order = ChangeState.Request(transition=Transition(id=change))
        desk.ask(ChangeState, "recorder/change_state", order)
    streams = loads.streams(node, load)
    _until_heard(streams)
    episode = str(EpisodeId.new(CELL, time.time_ns()))
    begin = StartRecording.Request(episode_id=episode, cell=CELL, task="trial", skill="trial")
    desk.ask(StartRecording, "recorder/start", begin)
    before_s = _cpu_s(recorder.pid)
    took_s = loads.publish(streams, load.seconds)
    time.sleep(_SETTLE_S)
    recording_s = _cpu_s(recorder.pid) - before_s
    outcome = EpisodeOutcome(episode_id=episode, end_reason=EndReason.STOPPED.value)
    done = desk.ask(
        StopRecording, "recorder/stop", StopRecording.Request(episode_id=episode, outcome=outcome)
    )
    all_s = _cpu_s(recorder.pid) - before_s
    metadata = read_metadata(done.path)
    sizes = {stream.topic: len(stream.payloads[0]) for stream in streams}
    offered = {stream.topic: stream.count for stream in streams}
    written = {topic: metadata.frames.get(f"/{CELL}/{topic}", 0) for topic in offered}
    return {
        "asked_mb_s": sum(sizes[s.topic] / s.period_s for s in streams) / 1e6,
        "offered_mb_s": _bytes(offered, sizes) / took_s / 1e6,
        "written_mb_s": _bytes(written, sizes) / took_s / 1e6,
        "written_mb": _bytes(written, sizes) / 1e6,
        "drops": sum(offered.values()) - sum(written.values()),
        "reported_drops": sum(metadata.drops.values()),
        "recording_cpu_s": recording_s,
        "cpu_s": all_s,
        "rss_mb": _peak_mb(recorder.pid),
    }


class _Desk:
    """Services asked from a thread that spins beside the load."""

    def __init__(self, node: Node) -> None:
        self._node, self._never = node, threading.Event()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        self._executor = executor

    def ask(self, kind: Any, name: str, request: Any) -> Any:
        """The response; raises CallFailed, RuntimeError with the recorder's own words."""
        client = self._node.create_client(kind, name)
        client.wait_for_service(_PATIENCE_S)
        spinning = threading.Event()
        thread = threading.Thread(target=self._spin, args=(spinning,), daemon=True)
        thread.start()
        try:
            response = call(client, request, _PATIENCE_S, self._never)
        finally:
            spinning.set()
            thread.join()
            self._node.destroy_client(client)
        if not getattr(response, "ok", getattr(response, "success", False)):
            raise RuntimeError(f"{name}: {getattr(response, 'error', 'refused')}")
        return response

    def _spin(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._executor.spin_once(timeout_sec=0.05)


def _be_recorder(folder: str, images: str) -> int:
    words = ["--ros-args", "-r", f"__ns:=/{CELL}", "-p", f"data:={folder}"]
    return run(lambda: RecorderNode(topics=loads.topics(images)), argv=words)


def _until_heard(streams: list[Stream]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while any(stream.publisher.get_subscription_count() == 0 for stream in streams):
        if time.monotonic() > deadline:
            raise RuntimeError("the recorder does not listen")
        time.sleep(0.05)
    time.sleep(_SETTLE_S)


def _bytes(counts: dict[str, int], sizes: dict[str, int]) -> int:
    return sum(count * sizes[topic] for topic, count in counts.items())


def _cpu_s(pid: int) -> float:
    """Seconds that a process has computed, all its threads."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
