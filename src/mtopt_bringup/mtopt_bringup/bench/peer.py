"""The peer of bench `sim`: robosuite's IIWA at its pick-place task, images at the rate asked.

Runs in an interpreter of its own (requirements/bench.lock), so it imports nothing of ours. Prints
one JSON object: simulated seconds per second of one process.
"""

from __future__ import annotations

import json
import sys
import time


def main(duration_s: float, images_hz: float, height_px: int, width_px: int) -> None:
    """Random actions at robosuite's own 20 Hz for `duration_s` of wall time, after a warm-up."""
    import numpy as np
    import robosuite

    env = robosuite.make(
        "PickPlace",
        robots="IIWA",
        has_renderer=False,
        has_offscreen_renderer=True,
        use_camera_obs=False,
        control_freq=20,
        ignore_done=True,
    )
    env.reset()
    rng = np.random.default_rng(0)
    low, high = env.action_spec

    def simulate(limit_s: float) -> float:
        began_s, simulated_s, due_s = time.perf_counter(), 0.0, 0.0
        while time.perf_counter() - began_s < limit_s:
            env.step(rng.uniform(low, high))
            simulated_s += 1.0 / 20
            if simulated_s >= due_s:
                env.sim.render(width=width_px, height=height_px, camera_name="agentview")
                due_s += 1.0 / images_hz
        return simulated_s / (time.perf_counter() - began_s)

    simulate(2.0)
    sys.stdout.write(json.dumps({"simulated_s_per_s": simulate(duration_s)}) + "\n")


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
