"""A cell as MoveIt is told of it, made from the same description and collision model.

MoveIt keeps no distance between the parts of a robot, and bins and table are parts of this one.
So it gets shapes that are grown by the margins: what is clear for MoveIt is clear for us. Which
pairs it leaves out follows from the pairs that the collision model looks at.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

from mtopt_core.joints import Vector

from .collision import ARM_LINKS, CollisionConfig, CollisionModel
from .description import ARM_JOINTS, GRIPPER_JOINTS, RobotDescription
from .errors import DescriptionInvalid


def grown(description: RobotDescription, config: CollisionConfig) -> str:
    """The URDF with collision shapes grown so that two that don't touch keep their margin.

    The arm's links take most of its margin, all others half of the gripper's. Two links of the
    arm end up further apart than they must. Raises DescriptionInvalid for a shape that cannot
    be grown.
    """
    root = ElementTree.fromstring(description.urdf)
    others_m = 0.5 * config.gripper_margin_m
    arm_m = max(config.margin_m - others_m, 0.5 * config.margin_m)
    arm = set(description.names(ARM_LINKS))
    for link in root.findall("link"):
        room_m = arm_m if link.get("name") in arm else others_m
        for geometry in link.findall("collision/geometry"):
            for shape in geometry:
                _grow(shape, room_m)
    return ElementTree.tostring(root, encoding="unicode")


def _grow(shape: ElementTree.Element, room_m: float) -> None:
    if shape.tag == "box":
        sides = (float(side) + 2.0 * room_m for side in shape.get("size", "").split())
        shape.set("size", " ".join(f"{side:.9g}" for side in sides))
    elif shape.tag in ("cylinder", "sphere"):
        shape.set("radius", f"{float(shape.get('radius', '')) + room_m:.9g}")
        if shape.tag == "cylinder":
            shape.set("length", f"{float(shape.get('length', '')) + 2.0 * room_m:.9g}")
    else:
        raise DescriptionInvalid(f"a {shape.tag} cannot be grown; take box, cylinder or sphere")


def semantic(collision: CollisionModel, home_q_rad: Vector) -> str:
    """The SRDF: the groups `arm` and `gripper`, `home`, and every pair that is left out."""
    description = collision.description
    robot = ElementTree.fromstring(description.urdf)
    root = ElementTree.Element("robot", name=robot.get("name", ""))
    arm = description.names(ARM_JOINTS)
    for name, joints in (("arm", arm), ("gripper", description.names(GRIPPER_JOINTS))):
        group = ElementTree.SubElement(root, "group", name=name)
        for joint in joints:
            ElementTree.SubElement(group, "joint", name=joint)
    home = ElementTree.SubElement(root, "group_state", name="home", group="arm")
    for joint, value in zip(arm, home_q_rad, strict=True):
        ElementTree.SubElement(home, "joint", name=joint, value=f"{float(value):.9g}")
    shaped = [
        link.get("name", "") for link in robot.findall("link") if link.find("collision") is not None
    ]
    for first, second in itertools.combinations(sorted(shaped), 2):
        if (first, second) not in collision.pairs:
            ElementTree.SubElement(
                root, "disable_collisions", link1=first, link2=second, reason="Never"
            )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")
