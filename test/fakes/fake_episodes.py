"""Recorded episodes with no more in them than a Q-function looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtopt_data.cdr import CdrEncoder
from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.qos import QosProfile, offered_qos
from mtopt_data.writer import EpisodeWriter
from mtopt_robot.jpeg import jpeg

S = 1_000_000_000
_LINE = "=" * 80
_TIME = f"{_LINE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
_HEADER = f"{_LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
_XYZ = "float64 x\nfloat64 y\nfloat64 z\n"
_POSE = (
    f"{_LINE}\nMSG: geometry_msgs/Pose\ngeometry_msgs/Point position\n"
    f"geometry_msgs/Quaternion orientation\n{_LINE}\nMSG: geometry_msgs/Point\n{_XYZ}"
    f"{_LINE}\nMSG: geometry_msgs/Quaternion\n{_XYZ}float64 w\n"
)
_TYPES = {
    "episode/step": (
        "mtopt_msgs/msg/EpisodeStep",
        "uint32 index\nbuiltin_interfaces/Time image_stamp\nbool gripper_closed\n"
        f"float64 gripper_height\ngeometry_msgs/Pose tool_before\n{_TIME}{_POSE}",
    ),
    "camera/overhead/image_raw/compressed": (
        "sensor_msgs/msg/CompressedImage",
        f"std_msgs/Header header\nstring format\nuint8[] data\n{_HEADER}{_TIME}",
    ),
}


def write_episode(
    root: Path,
    images: list[np.ndarray],
    number: int = 0,
    task: str = "lift-any",
    lost: tuple[int, ...] = (),
) -> Path:
    """An episode with a step on each image; the images of the steps in `lost` are not there.

    Between two steps lies an image that no step was decided on.
    """
    start = EpisodeStart(
        episode_id=str(EpisodeId(1_786_112_730_000 + number, "cell1", f"{number:08x}")),
        cell="cell1", task=task, skill="lift", robot_serial="SIM-1", operator="ada",
        calibration_hash="c0ffee", software_version="0.1.0", seed=number, started_ns=S,
    )  # fmt: skip
    writer = EpisodeWriter(root, start)
    encoders = {}
    for name, (kind, definition) in _TYPES.items():
        writer.add_channel(f"/cell1/{name}", kind, definition, qos=offered_qos([QosProfile(5)]))
        encoders[name] = CdrEncoder(kind, definition)

    def put(name: str, ns: int, **fields: object) -> None:
        writer.write(f"/cell1/{name}", encoders[name](fields), ns, ns)

    for index, image in enumerate(images):
        taken = {"sec": 2 + index, "nanosec": 7}
        for stamp, pixels in ((taken, image), ({"sec": 2 + index, "nanosec": S // 2}, 0 * image)):
            if index not in lost or stamp is not taken:
                put(
                    "camera/overhead/image_raw/compressed",
                    stamp["sec"] * S + stamp["nanosec"],
                    header={"stamp": stamp, "frame_id": "camera"},
                    format="jpeg",
                    data=jpeg(pixels, 100),
                )
        put(
            "episode/step",
            (2 + index) * S + 3 * S // 4,
            index=index,
            image_stamp=taken,
            gripper_closed=index % 2 == 1,
            gripper_height=0.1 * index,
            tool_before={
                "position": {"x": 0.5, "y": 0.1 * index, "z": 0.2},
                "orientation": {"x": 1.0, "y": 0.0, "z": 0.0, "w": 0.0},
            },
        )
    ended = {"ended_ns": 100 * S, "steps": len(images), "end_reason": "terminated"}
    return writer.close(start.finished(**ended))
