"""The hardware of a cell as a process in the simulator's place: it can be told to break.

A test writes JSON into the file that MTOPT_HARDWARE names: `silent`, `stuck` and `lost` of the
CellHardware. Joint values of null are no numbers.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException

from fakes.ros_cell_hardware import CellHardware, workspace

WALL_S = 0.0125  # 25 ms of the cell: twice as fast as the wall clock
_LOOK_S = 0.1


class Broken(CellHardware):
    """Looks into the file again and again."""

    def __init__(self, told: Path) -> None:
        super().__init__(workspace(), wall_s=WALL_S, truth=True, use_global_arguments=True)
        self._told = told
        self.create_timer(_LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        try:
            told = json.loads(self._told.read_text())
        except (OSError, ValueError):
            return  # nothing is broken, or it is just being written
        self.silent, self.lost = set(told.get("silent", ())), set(told.get("lost", ()))
        stuck = told.get("stuck", {})
        self.stuck = {name: math.nan if q is None else q for name, q in stuck.items()}


def main() -> None:
    """Run until a signal ends it."""
    rclpy.init(args=sys.argv)
    try:
        rclpy.spin(Broken(Path(os.environ["MTOPT_HARDWARE"])))
    except (KeyboardInterrupt, ExternalShutdownException):
        time.sleep(0.0)


if __name__ == "__main__":
    main()
