"""The MuJoCo workcell: the robot description made to move, fall, grip and be seen."""

import os

if not os.environ.get("DISPLAY"):
    # MuJoCo chooses its OpenGL when it is imported; without a screen its own choice fails.
    os.environ.setdefault("MUJOCO_GL", "egl")
