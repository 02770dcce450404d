"""Recorded episodes with all that a learner reads, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mtopt_core.purpose import Purpose
from mtopt_data.cdr import CdrEncoder
from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.qos import QosProfile, offered_qos
from mtopt_data.writer import EpisodeWriter
from mtopt_robot.jpeg import jpeg

S = 1_000_000_000
CAMERA_PX = (48, 64)
FOCAL_PX = 40.0
CAMERA_M = (0.5, 0.0, 1.0)  # looks straight down, its x along the base's -y, its y along -x
_LINE = "=" * 80
_XYZ = "float64 x\nfloat64 y\nfloat64 z\n"
_TIME = f"{_LINE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
_HEADER = f"{_LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{_TIME}"
_POSE = (
    f"{_LINE}\nMSG: geometry_msgs/Pose\ngeometry_msgs/Point position\n"
    f"geometry_msgs/Quaternion orientation\n{_LINE}\nMSG: geometry_msgs/Point\n{_XYZ}"
    f"{_LINE}\nMSG: geometry_msgs/Quaternion\n{_XYZ}float64 w\n"
)
_ACTION = (
    f"{_LINE}\nMSG: mtopt_msgs/Action\ngeometry_msgs/Vector3 delta\nfloat64 yaw\n"
    f"uint8 gripper\nbool terminate\n{_LINE}\nMSG: geometry_msgs/Vector3\n{_XYZ}"
)
_IMAGES = "camera/overhead/image_raw/compressed"
_TYPES = {
    "episode/step": (
        "mtopt_msgs/msg/EpisodeStep",
        "uint32 index\nbuiltin_interfaces/Time image_stamp\nbool gripper_closed\n"
        "float64 gripper_height\ngeometry_msgs/Pose tool_before\nmtopt_msgs/Action sent\n"
        f"{_TIME}{_POSE}{_ACTION}",
    ),
    _IMAGES: (
        "sensor_msgs/msg/CompressedImage",
        f"std_msgs/Header header\nstring format\nuint8[] data\n{_HEADER}",
    ),
    "camera/overhead/camera_info": (
        "sensor_msgs/msg/CameraInfo",
        "uint32 height\nuint32 width\nfloat64[] d\nfloat64[9] k\n",
    ),
    "camera/extrinsics": (
        "mtopt_msgs/msg/CameraExtrinsics",
        f"string[] cameras\ngeometry_msgs/Pose[] poses\n{_POSE}",
    ),
}


def scene(seed: int) -> np.ndarray:
    """A smooth image, which JPEG leaves about as it is: (H, W, 3)."""
    rows, columns = np.mgrid[: CAMERA_PX[0], : CAMERA_PX[1]]
    phase = np.random.default_rng(seed).uniform(0.0, 6.0, size=3)
    waves = np.sin(rows[..., None] / 11 + phase) + np.cos(columns[..., None] / 13 - phase)
    return (127 + 60 * waves).astype(np.uint8)


def write_replay_episode(
    root: Path,
    number: int = 0,
    steps: int = 3,
    task: str = "lift-any",
    success: dict[str, bool] | None = None,
    lost: tuple[int, ...] = (),
    end_reason: str = "terminated",
    gripper: int = 2,
    purpose: Purpose = Purpose.TRAINING,
    cell: str = "cell1",
    end: dict[str, np.ndarray] | None = None,
) -> Path:
    """An episode whose step k moves by 0.01 * k along x at x = 0.5 + 0.02 * k.

    The last step ends it; the images of the steps in `lost` are not there. `end` has the images
    of the outcome by camera.
    """
    start = EpisodeStart(
        episode_id=str(EpisodeId(1_786_112_730_000 + number, cell, f"{number:08x}")),
        cell=cell, task=task, skill="lift", robot_serial="SIM-1", operator="ada",
        calibration_hash="c0ffee", software_version="0.1.0", seed=purpose.own(number), started_ns=S,
        purpose=purpose.value,
    )  # fmt: skip
    graded = {"lift-any": True} if success is None else success
    writer = EpisodeWriter(root, start)
    encoders = {}
    types = dict(_TYPES)
    for camera in end or {}:
        types[f"camera/{camera}/image_raw/compressed"] = _TYPES[_IMAGES]
    for name, (kind, definition) in types.items():
        writer.add_channel(f"/{cell}/{name}", kind, definition, qos=offered_qos([QosProfile(5)]))
        encoders[name] = CdrEncoder(kind, definition)

    def put(name: str, ns: int, **fields: Any) -> None:
        writer.write(f"/{cell}/{name}", encoders[name](fields), ns, ns)

    fx = FOCAL_PX
    center = [(CAMERA_PX[1] - 1) / 2, (CAMERA_PX[0] - 1) / 2]
    put(
        "camera/overhead/camera_info", S, height=CAMERA_PX[0], width=CAMERA_PX[1],
        d=[0.0] * 5, k=[fx, 0.0, center[0], 0.0, fx, center[1], 0.0, 0.0, 1.0],
    )  # fmt: skip
    turn = np.sqrt(0.5)
    put(
        "camera/extrinsics", S, cameras=["left", "overhead"],
        poses=[pose((0.0, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0)),
               pose(CAMERA_M, (turn, -turn, 0.0, 0.0))],
    )  # fmt: skip
    for index in range(steps):
        taken = {"sec": 2 + index, "nanosec": 7}
        for stamp, pixels in (
            (taken, scene(100 * number + index)),
            ({**taken, "nanosec": 9}, None),
        ):
            if stamp is taken and index in lost:
                continue
            image = np.zeros((*CAMERA_PX, 3), np.uint8) if pixels is None else pixels
            put(
                "camera/overhead/image_raw/compressed", stamp["sec"] * S + stamp["nanosec"],
                header={"stamp": stamp, "frame_id": "camera"}, format="jpeg",
                data=jpeg(image, 100),
            )  # fmt: skip
        last = index == steps - 1
        put(
            "episode/step", (2 + index) * S + S // 2, index=index, image_stamp=taken,
            gripper_closed=index % 2 == 1, gripper_height=0.1 * index,
            tool_before=pose((0.5 + 0.02 * index, 0.1, 0.3), (1.0, 0.0, 0.0, 0.0)),
            sent={
                "delta": {"x": 0.01 * index, "y": 0.0, "z": -0.03}, "yaw": 0.5,
                "gripper": gripper if index == 1 else 0, "terminate": last,
            },
        )  # fmt: skip
    for camera, image in (end or {}).items():
        put(
            f"camera/{camera}/image_raw/compressed", 99 * S,
            header={"stamp": {"sec": 99, "nanosec": 0}, "frame_id": "camera"}, format="jpeg",
            data=jpeg(image, 100),
        )  # fmt: skip
    ended = {
        "ended_ns": 100 * S, "steps": steps, "end_reason": end_reason, "success": graded,
        "probability": {name: float(value) for name, value in graded.items()},
    }  # fmt: skip
    return writer.close(start.finished(**ended))


def pose(position: tuple[float, ...], xyzw: tuple[float, ...]) -> dict[str, Any]:
    """As messages have it."""
    return {
        "position": dict(zip("xyz", position, strict=True)),
        "orientation": dict(zip("xyzw", xyzw, strict=True)),
    }
