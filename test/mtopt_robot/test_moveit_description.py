"""What MoveIt is told agrees with the collision model: nothing freer, the same pairs."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtopt_core.workspace import Workspace
from mtopt_robot.arm import Arm
from mtopt_robot.collision import CollisionConfig, CollisionModel, Surroundings
from mtopt_robot.description import ARM_JOINTS, RobotDescription
from mtopt_robot.errors import DescriptionInvalid
from mtopt_robot.moveit_description import grown, semantic

PREFIXES = pytest.mark.parametrize("cell", ["", "cell2"])
TOUCHING = CollisionConfig(margin_m=0.0, gripper_margin_m=0.0)


def drawn(arm: Arm, count: int) -> list[tuple[np.ndarray, Surroundings]]:
    rng = np.random.default_rng(31)
    limits = arm.kinematics.limits
    return [
        (
            rng.uniform(limits.lower_rad, limits.upper_rad),
            Surroundings(rng.uniform(0.0, 0.035), rng.uniform(0.0, 2.6), rng.uniform(0.0, 0.5)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "config",
    [
        CollisionConfig(),
        CollisionConfig(0.03, 0.0),
        CollisionConfig(0.002, 0.02),
        CollisionConfig(0.02, 0.02),
    ],
)
def test_what_is_clear_for_moveit_is_clear_for_us(
    config: CollisionConfig, description: RobotDescription, arm: Arm
) -> None:
    ours = CollisionModel(description, config)
    moveits = CollisionModel(replace(description, urdf=grown(description, config)), TOUCHING)
    seen = [(ours.clear(*at), moveits.clear(*at)) for at in drawn(arm, 1500)]
    assert all(mine for mine, theirs in seen if theirs)
    # Not by refusing everything: most of what is clear stays so.
    assert sum(theirs for _, theirs in seen) > 0.8 * sum(mine for mine, _ in seen)


def test_home_stays_clear_for_moveit(description: RobotDescription, arm: Arm) -> None:
    moveits = CollisionModel(
        replace(description, urdf=grown(description, arm.collision.config)), TOUCHING
    )
    for left in (0.0, 1.0, 2.6):
        assert moveits.clear(arm.kinematics.home_q_rad, Surroundings(left_rad=left))


def test_only_collision_shapes_grow(description: RobotDescription) -> None:
    before = ElementTree.fromstring(description.urdf)
    after = ElementTree.fromstring(grown(description, CollisionConfig()))
    shapes = list(zip(before.iter("collision"), after.iter("collision"), strict=True))
    assert len(shapes) > 30
    for tree in (before, after):
        for link in tree.iter("link"):
            for shape in link.findall("collision"):
                link.remove(shape)
    assert ElementTree.tostring(before) == ElementTree.tostring(after)


def test_a_shape_that_cannot_grow_is_named(description: RobotDescription) -> None:
    mesh = description.urdf.replace("<box ", '<mesh filename="x" ', 200)
    with pytest.raises(DescriptionInvalid, match="a mesh cannot be grown"):
        grown(replace(description, urdf=mesh), CollisionConfig())


@PREFIXES
def test_the_pairs_left_out_are_those_that_the_model_leaves_out(
    cell: str, urdf_path: Path, workspace: Workspace
) -> None:
    described = RobotDescription.expand(urdf_path, {"cell": cell})
    model = CollisionModel(described)
    srdf = ElementTree.fromstring(semantic(model, np.array(workspace.home_q_rad)))
    urdf = ElementTree.fromstring(described.urdf)
    assert srdf.get("name") == urdf.get("name")
    links = [
        link.get("name", "") for link in urdf.findall("link") if link.find("collision") is not None
    ]
    out = {
        frozenset((pair.get("link1", ""), pair.get("link2", "")))
        for pair in srdf.findall("disable_collisions")
    }
    every = {frozenset(pair) for pair in itertools.combinations(links, 2)}
    assert out <= every
    assert every - out == {frozenset(pair) for pair in model.pairs}


@PREFIXES
def test_groups_and_home_name_the_joints_of_the_description(
    cell: str, urdf_path: Path, workspace: Workspace
) -> None:
    described = RobotDescription.expand(urdf_path, {"cell": cell})
    srdf = ElementTree.fromstring(
        semantic(CollisionModel(described), np.array(workspace.home_q_rad))
    )
    groups = {
        group.get("name"): [joint.get("name") for joint in group.findall("joint")]
        for group in srdf.findall("group")
    }
    assert groups["arm"] == list(described.names(ARM_JOINTS))
    assert groups["gripper"] == [described.name("gripper_joint")]
    (home,) = srdf.findall("group_state")
    assert home.get("group") == "arm"
    values = [float(joint.get("value", "")) for joint in home.findall("joint")]
    np.testing.assert_allclose(values, workspace.home_q_rad)
    assert [joint.get("name") for joint in home.findall("joint")] == groups["arm"]
