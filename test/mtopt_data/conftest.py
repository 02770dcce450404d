"""A small cell's wire in memory: real message types, serialized by rosbags, and episodes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from mtopt_data.metadata import EpisodeMetadata, EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.qos import QosProfile, offered_qos
from mtopt_data.schema import message_definition
from mtopt_data.writer import EpisodeWriter

OWN_MESSAGES = Path(__file__).resolve().parents[2] / "src" / "mtopt_msgs" / "msg"
CAMERAS = ("overhead", "left", "right")
WALL_NS = 1_786_112_730_123_000_000
STEP_NS = 1_000_000_000
SEPARATOR = "=" * 80


class Wire:
    """Definition files on disk and CDR bytes for the types that a cell publishes.

    `without` names fields of our own messages that an earlier version did not have yet.
    """

    def __init__(self, folder: Path, without: tuple[str, ...] = ()) -> None:
        self.store = get_typestore(Stores.ROS2_JAZZY)
        self.folder, self.own = folder, folder / "own"
        self.own.mkdir()
        for path in sorted(OWN_MESSAGES.glob("*.msg")):
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if not set(line.split()[1:2]) & set(without)]
            text = "\n".join(kept) + "\n"
            (self.own / path.name).write_text(text, encoding="utf-8")
            self.store.register(get_types_from_msg(text, f"mtopt_msgs/msg/{path.stem}"))

    def find_file(self, package: str, name: str) -> Path | None:
        if package == "mtopt_msgs":
            path = self.own / f"{name}.msg"
            return path if path.is_file() else None
        if f"{package}/msg/{name}" not in self.store.fielddefs:
            return None
        path = self.folder / package / f"{name}.msg"
        if not path.exists():
            text, _ = self.store.generate_msgdef(f"{package}/msg/{name}", ros_version=2)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.split(SEPARATOR)[0], encoding="utf-8")
        return path

    def definition(self, type_name: str) -> str:
        return message_definition(type_name, self.find_file)

    def cdr(self, type_name: str, /, **values: Any) -> bytes:
        message = self.store.types[type_name](**values)
        return bytes(self.store.serialize_cdr(message, type_name))

    def make(self, name: str, /, **values: Any) -> Any:
        return self.store.types[name](**values)

    def time(self, ns: int) -> Any:
        return self.make("builtin_interfaces/msg/Time", sec=ns // 10**9, nanosec=ns % 10**9)

    def header(self, ns: int, frame: str = "base_link") -> Any:
        return self.make("std_msgs/msg/Header", stamp=self.time(ns), frame_id=frame)

    def pose(self, x: float = 0.5) -> Any:
        point = self.make("geometry_msgs/msg/Point", x=x, y=0.0, z=0.2)
        turn = self.make("geometry_msgs/msg/Quaternion", x=1.0, y=0.0, z=0.0, w=0.0)
        return self.make("geometry_msgs/msg/Pose", position=point, orientation=turn)

    def action(self, dx: float, terminate: bool = False) -> Any:
        delta = self.make("geometry_msgs/msg/Vector3", x=dx, y=0.0, z=-0.03)
        return self.make(
            "mtopt_msgs/msg/Action", delta=delta, yaw=0.5, gripper=2, terminate=terminate
        )


@dataclass
class Recording:
    """One episode on its way into a file: `writer` is open until `close`."""

    wire: Wire
    writer: EpisodeWriter
    steps: int
    seed: int
    skip: frozenset[str] = frozenset()
    t_ns: int = 5_000_000_000
    written: list[tuple[str, bytes, int]] = field(default_factory=list)

    def topic(self, name: str) -> str:
        return f"/{self.writer.start.cell}/{name}"

    def announce(self, name: str, type_name: str) -> None:
        if name not in self.skip:
            definition = self.wire.definition(type_name)
            qos = offered_qos([QosProfile(depth=5)])
            self.writer.add_channel(self.topic(name), type_name, definition, qos=qos)

    def put(self, topic_name: str, type_name: str, /, **values: Any) -> None:
        if topic_name in self.skip:
            return
        self.t_ns += 3_000_000
        data = self.wire.cdr(type_name, **values)
        self.written.append((self.topic(topic_name), data, self.t_ns))
        self.writer.write(self.topic(topic_name), data, self.t_ns, self.t_ns - 1000)

    def open(self) -> None:
        for camera in CAMERAS:
            base = f"camera/{camera}"
            self.announce(f"{base}/image_raw/compressed", "sensor_msgs/msg/CompressedImage")
            self.announce(f"{base}/camera_info", "sensor_msgs/msg/CameraInfo")
        self.announce("camera/extrinsics", "mtopt_msgs/msg/CameraExtrinsics")
        self.announce("joint_states", "sensor_msgs/msg/JointState")
        self.announce("episode/step", "mtopt_msgs/msg/EpisodeStep")
        self.announce("episode/outcome", "mtopt_msgs/msg/EpisodeOutcome")

    def latched(self) -> None:
        wire = self.wire
        roi = wire.make(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
        )  # fmt: skip
        for camera in CAMERAS:
            self.put(
                f"camera/{camera}/camera_info",
                "sensor_msgs/msg/CameraInfo",
                header=wire.header(self.t_ns, f"camera_{camera}_optical_frame"),
                height=480, width=640, distortion_model="plumb_bob", d=np.zeros(5),
                k=np.eye(3).ravel(), r=np.eye(3).ravel(), p=np.eye(3, 4).ravel(),
                binning_x=0, binning_y=0, roi=roi,
            )  # fmt: skip
        self.put(
            "camera/extrinsics",
            "mtopt_msgs/msg/CameraExtrinsics",
            header=wire.header(self.t_ns),
            cameras=list(CAMERAS),
            poses=[wire.pose() for _ in CAMERAS],
            calibration_hash="c0ffee",
        )

    def step(self, index: int) -> None:
        rng = random.Random(f"{self.seed}/{index}")
        for camera in CAMERAS:
            self.put(
                f"camera/{camera}/image_raw/compressed",
                "sensor_msgs/msg/CompressedImage",
                header=self.wire.header(self.t_ns, f"camera_{camera}_optical_frame"),
                format="rgb8; jpeg compressed rgb8",
                data=np.frombuffer(b"\xff\xd8" + rng.randbytes(600), dtype=np.uint8),
            )
        for _ in range(10):
            self.put(
                "joint_states",
                "sensor_msgs/msg/JointState",
                header=self.wire.header(self.t_ns),
                name=[f"iiwa_joint_{k}" for k in range(1, 8)],
                position=np.array([rng.random() for _ in range(7)]),
                velocity=np.zeros(7),
                effort=np.zeros(7),
            )
        known = {name for name, _ in self.wire.store.fielddefs["mtopt_msgs/msg/EpisodeStep"][1]}
        values = {key: value for key, value in self.step_values(index).items() if key in known}
        self.put("episode/step", "mtopt_msgs/msg/EpisodeStep", **values)
        self.t_ns += STEP_NS

    def step_values(self, index: int) -> dict[str, Any]:
        wire, start, last = self.wire, self.writer.start, index == self.steps - 1
        return {
            "header": wire.header(self.t_ns),
            "episode_id": start.episode_id,
            "cell": start.cell,
            "task": start.task,
            "index": index,
            "image_stamp": wire.time(self.t_ns),
            "gripper_closed": False,
            "gripper_height": 0.2,
            "tool_before": wire.pose(),
            "chosen": wire.action(0.05, terminate=last),
            "sent": wire.action(0.04, terminate=last),
            "tool_after": wire.pose(0.54),
            "motion_start": wire.time(self.t_ns),
            "motion_end": wire.time(self.t_ns + STEP_NS // 2),
            "source": "scripted",
            "model": "",
            "q": float("nan") if index == 0 else 0.25,
            "latency": 0.01,
            "novelty": float("nan") if index == 0 else 1.5,
            "q_spread": float("nan") if index == 0 else 0.125,
        }

    def outcome(self) -> None:
        start = self.writer.start
        grade = self.wire.make(
            "mtopt_msgs/msg/TaskOutcome", task=start.task, probability=1.0, success=True
        )
        self.put(
            "episode/outcome",
            "mtopt_msgs/msg/EpisodeOutcome",
            header=self.wire.header(self.t_ns),
            episode_id=start.episode_id, cell=start.cell, task=start.task, seed=start.seed,
            steps=self.steps, end_reason="terminated", message="", graded=True,
            grader="truth", outcomes=[grade],
        )  # fmt: skip

    def metadata(self, **values: Any) -> EpisodeMetadata:
        known: dict[str, Any] = {
            "ended_ns": self.t_ns,
            "steps": self.steps,
            "end_reason": "terminated",
            "success": {"lift-any": True, "lift-can": False},
            "probability": {"lift-any": 1.0, "lift-can": 0.0},
            "drops": {self.topic("joint_states"): 2},
            "sources": {"scripted": self.steps},
        }
        return self.writer.start.finished(**known | values)

    def play(self) -> Recording:
        self.open()
        self.latched()
        for index in range(self.steps):
            self.step(index)
        self.outcome()
        return self

    def close(self, **values: Any) -> Path:
        return self.writer.close(self.metadata(**values))


MakeStart = Callable[..., EpisodeStart]
Begin = Callable[..., Recording]


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    return Wire(tmp_path_factory.mktemp("definitions"))


@pytest.fixture(scope="session")
def earlier_wire(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    """As cells spoke before a step said how sure its choice was."""
    return Wire(tmp_path_factory.mktemp("earlier"), without=("novelty", "q_spread"))


@pytest.fixture
def make_start() -> MakeStart:
    """Start records of different episodes, the same ones in every run."""
    made = 0

    def make(**values: Any) -> EpisodeStart:
        nonlocal made
        made += 1
        cell = values.get("cell", "cell1")
        episode = EpisodeId(WALL_NS // 1_000_000 + made, cell, f"{made:08x}")
        known: dict[str, Any] = {
            "episode_id": str(episode),
            "cell": cell,
            "task": "lift-any",
            "skill": "pick",
            "robot_serial": "SIM-1",
            "operator": "ada",
            "calibration_hash": "c0ffee",
            "software_version": "0.1.0",
            "seed": 42,
            "started_ns": 5_000_000_000,
            "policy_model": "scripted",
        }
        return EpisodeStart(**known | values)

    return make


@pytest.fixture
def begin(wire: Wire, make_start: MakeStart, tmp_path: Path) -> Begin:
    """Open a recording under `root` (tmp_path/data), nothing written but its start."""

    def start_recording(
        *,
        steps: int = 3,
        skip: tuple[str, ...] = (),
        root: Path | None = None,
        spoken: Wire = wire,
        **options: Any,
    ) -> Recording:
        start = options.pop("start", None) or make_start()
        writer = EpisodeWriter(root or tmp_path / "data", start, **options)
        return Recording(spoken, writer, steps, seed=start.seed, skip=frozenset(skip))

    return start_recording
