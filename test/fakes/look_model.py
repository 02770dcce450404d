"""A bundle of an untrained network that looks around the tool, and a camera for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_core.geometry import transform
from mtopt_learner.networks.look_config import LookConfig
from mtopt_learner.networks.look_network import LookNetwork
from mtopt_learner.networks.release import exported, golden_of
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.models.bundle import write_bundle
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import Manifest

CAMERA_PX = (8, 10)  # of the fake cell
IMAGE = ImageFormat(CAMERA_PX, size_px=(24, 24), at="tool", m_per_px=0.02)
SIZES = LookConfig((24, 24), stem=4, channels=6, fine=1, coarse_channels=6, coarse=1, width=24)
CAMERA = CameraCalibration(
    "overhead", CAMERA_PX[1], CAMERA_PX[0],
    np.array([[9.0, 0, 4.5], [0, 9.0, 3.5], [0, 0, 1]]), np.zeros(5),
    transform(np.diag([1.0, -1.0, -1.0]), np.array([0.58, 0.0, 1.0])),
)  # fmt: skip


def write_look(store: Path, tasks: tuple[str, ...], bounds: ActionBounds) -> Path:
    """The version look/1 in a store; its values differ with the image, the pose and the action."""
    torch.manual_seed(5)
    network = LookNetwork(SIZES, len(tasks), bounds, IMAGE.m_per_px)
    with torch.no_grad():
        for weights in network.head.parameters():
            weights.mul_(3.0)
    count = len(tasks)
    rng = np.random.default_rng(0)
    batch = (
        torch.from_numpy(rng.integers(0, 256, (count, 24, 24, 3), dtype=np.uint8)),
        torch.from_numpy(rng.uniform(-0.2, 0.2, (count, 8)).astype(np.float32)),
        torch.eye(count),
        torch.from_numpy(rng.uniform(-1, 1, (count, 5, 8)).astype(np.float32)),
    )
    network(*batch)
    graphs = exported(network.eval(), [])
    manifest = Manifest(
        kind="q", name="look", version="1", tasks=tasks, bounds=bounds, image=IMAGE,
        action_layout=layout_hash(bounds, posed=True), training={"steps": 0},
    )  # fmt: skip
    golden = golden_of(network, batch, tasks)
    return write_bundle(store, manifest, graphs.encoder, graphs.head, golden)
