"""A cell as the runner sees it, in a test's own node."""

from __future__ import annotations

from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from fakes.ros_session import Prober
from mtopt_core.workspace import Workspace
from mtopt_msgs.action import ExecuteStep, MoveHome, ResetBins
from mtopt_ros import convert
from mtopt_ros.frames import Frame, NewestFrames
from mtopt_ros.qos import IMAGES
from mtopt_ros.ros_cell import CellClients, RosCell
from mtopt_ros.settings import CAMERAS, RunnerSettings


def client_of(prober: Prober, workspace: Workspace) -> RosCell:
    """What stands for the runner: the cell behind the nodes of the test's session."""
    frames = NewestFrames(CAMERAS, prober.abort)
    for camera in CAMERAS:

        def on_image(payload: bytes, camera: str = camera) -> None:
            frames.put(camera, Frame(convert.stamp_of_serialized(payload), payload))

        topic = f"camera/{camera}/image_raw/compressed"
        prober.node.create_subscription(CompressedImage, topic, on_image, IMAGES, raw=True)
    clients = CellClients(
        prober.action(ExecuteStep, "arm/execute_step"),
        prober.action(MoveHome, "arm/move_home"),
        prober.action(ResetBins, "bin/reset"),
    )
    settings = RunnerSettings(step_deadline_s=2.0)

    def hold() -> None:
        prober.ask(Trigger, "arm/hold")

    return RosCell(clients, frames, workspace, settings, prober.abort, hold)
