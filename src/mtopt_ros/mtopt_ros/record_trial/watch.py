"""What a trial reads of the processes beside it, and how it asks and waits for them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from ..calls import call
from .load import Stream

PATIENCE_S = 60.0
SETTLE_S = 1.0  # for what is on its way


class Desk:
    """Services asked from a thread that spins beside the load."""

    def __init__(self, node: Node) -> None:
        self._node, self._never = node, threading.Event()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        self._executor = executor

    def ask(self, kind: Any, name: str, request: Any) -> Any:
        """The response; raises CallFailed, RuntimeError with the recorder's own words."""
        client = self._node.create_client(kind, name)
        client.wait_for_service(PATIENCE_S)
        spinning = threading.Event()
        thread = threading.Thread(target=self._spin, args=(spinning,), daemon=True)
        thread.start()
        try:
            response = call(client, request, PATIENCE_S, self._never)
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


def until_heard(streams: list[Stream]) -> None:
    """Wait until somebody listens to all of it; raises RuntimeError if nobody does."""
    deadline = time.monotonic() + PATIENCE_S
    while any(stream.publisher.get_subscription_count() == 0 for stream in streams):
        if time.monotonic() > deadline:
            raise RuntimeError("the recorder does not listen")
        time.sleep(0.05)
    time.sleep(SETTLE_S)


def flow(streams: list[Stream], written: dict[str, int], took_s: float) -> dict[str, float]:
    """What was asked for, offered, written and lost; megabytes are 10^6 bytes of messages."""
    sizes = {stream.topic: len(stream.payloads[0]) for stream in streams}
    offered_mb = sum(stream.count * sizes[stream.topic] for stream in streams) / 1e6
    written_mb = sum(count * sizes[topic] for topic, count in written.items()) / 1e6
    return {
        "asked_mb_s": sum(sizes[s.topic] / s.period_s for s in streams) / 1e6,
        "offered_mb_s": offered_mb / took_s,
        "written_mb_s": written_mb / took_s,
        "written_mb": written_mb,
        "drops": sum(stream.count for stream in streams) - sum(written.values()),
    }


def cpu_s(pid: int) -> float:
    """Seconds that a process has computed, all its threads."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, MiB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024
