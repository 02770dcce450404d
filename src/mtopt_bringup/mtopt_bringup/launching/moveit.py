"""What MoveIt's move_group is told about one cell: no ROS here, only values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtopt_core.config import option
from mtopt_data import config_files
from mtopt_data.naming import check_cell
from mtopt_data.yamlfile import read_yaml
from mtopt_robot.collision import CollisionModel
from mtopt_robot.description import RobotDescription
from mtopt_robot.moveit_description import grown, semantic

from ..paths import Paths
from ..spoken import heard


@dataclass(frozen=True)
class MoveItArguments:
    """What a person may say when starting MoveIt for a cell."""

    cell: str = option("cell1", "name of the cell: the namespace of its topics")
    prefixed: bool = option(False, "the cell's name stands before every joint and link")
    simulated_time: bool = option(False, "follow /clock, as cells of a simulator do")


def parse(texts: Mapping[str, str]) -> MoveItArguments:
    """Arguments of their texts; raises ConfigError or NameInvalid."""
    given = heard(MoveItArguments, texts)
    check_cell(given.cell)
    return given


def parameters(given: MoveItArguments, paths: Paths) -> dict[str, Any]:
    """The parameters of a cell's move_group; raises MtoptError."""
    files = paths.node_files
    source = files["workspace_file"]
    workspace = config_files.workspace(source)
    description = RobotDescription.expand(
        files["description_file"], {"cell": given.cell if given.prefixed else ""}
    )
    collision = CollisionModel(description)
    return {
        **read_yaml(paths.config / "moveit.yaml"),
        "robot_description": grown(description, collision.config),
        "robot_description_semantic": semantic(collision, np.array(workspace.home_q_rad)),
        "use_sim_time": given.simulated_time,
    }
