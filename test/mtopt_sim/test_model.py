"""The MuJoCo model is the description, and its objects are what they should be."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pinocchio as pin
import pytest

from mtopt_core.rules import CATEGORIES
from mtopt_core.workspace import Workspace
from mtopt_robot.description import RobotDescription
from mtopt_sim.cloud import cloud
from mtopt_sim.config import EVERY_OBJECT, LATER_OBJECTS, SimConfig
from mtopt_sim.errors import UnknownObject
from mtopt_sim.lens import Lens
from mtopt_sim.model import build, object_names
from mtopt_sim.objects import KINDS, kind
from mtopt_sim.workcell import Workcell

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("cell", "hardware"), [("", "mujoco"), ("cell1", "mujoco"), ("", "gazebo"), ("c", "iiwa")]
)
def test_forward_kinematics_is_pinocchios(
    cell: str, hardware: str, workspace: Workspace, lenses: tuple[Lens, ...]
) -> None:
    known = RobotDescription.expand(
        ROOT / "urdf" / "mtopt_cell.urdf.xacro", {"cell": cell, "hardware": hardware}
    )
    model = build(known, workspace, SimConfig(objects=("can",)), lenses)
    data = mujoco.MjData(model)
    other = pin.buildModelFromXML(known.urdf)
    other_data = other.createData()
    rng = np.random.default_rng(3)
    names = [name for name in other.names if name != "universe"]
    frames = [frame.name for frame in other.frames if frame.type == pin.FrameType.BODY]
    assert len(frames) > 15
    for _ in range(20):
        q = rng.uniform(other.lowerPositionLimit, other.upperPositionLimit)
        pin.framesForwardKinematics(other, other_data, q)
        for name in names:
            data.joint(name).qpos = q[other.joints[other.getJointId(name)].idx_q]
        mujoco.mj_kinematics(model, data)
        for frame in frames:
            there = other_data.oMf[other.getFrameId(frame)]
            here = data.body(frame)
            assert here.xpos == pytest.approx(there.translation, abs=1e-6), frame
            assert here.xmat.reshape(3, 3) == pytest.approx(there.rotation, abs=1e-6), frame


def test_masses_are_the_descriptions(workcell: Workcell) -> None:
    model = workcell.model
    known = pin.buildModelFromXML(workcell.description.urdf)
    robot = [i for i in range(1, model.nbody) if model.body(i).dofnum[0] < 6]
    robot = [i for i in robot if model.body(i).name != "plate"]
    moving = sum(inertia.mass for inertia in list(known.inertias)[1:])
    mine = sum(model.body_mass[i] for i in robot if model.body_weldid[i] != 0)
    assert mine == pytest.approx(moving, abs=1e-6)


def test_every_category_of_the_tasks_has_a_kind_and_a_category_is_its_name() -> None:
    assert set(CATEGORIES) < set(EVERY_OBJECT) == set(KINDS) - set(LATER_OBJECTS)
    assert len(EVERY_OBJECT) == 9


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_an_object_has_a_side_that_the_gripper_can_close_on(name: str) -> None:
    points = cloud(kind(name))
    widths = [
        np.ptp(points @ direction)
        for direction in np.random.default_rng(0).normal(size=(400, 3))
        for direction in [direction / np.linalg.norm(direction)]
    ]
    assert 0.03 <= min(widths) <= 0.06
    assert max(widths) <= 0.16
    assert 0.03 <= kind(name).mass_kg <= 0.1


def reach(model: mujoco.MjModel, data: mujoco.MjData, geom: int, direction: np.ndarray) -> float:
    """How far a primitive reaches in a direction, from its origin in the world."""
    size, along = model.geom_size[geom], data.geom_xmat[geom].reshape(3, 3).T @ direction
    kind_ = mujoco.mjtGeom(model.geom_type[geom])
    middle = float(data.geom_xpos[geom] @ direction)
    if kind_ == mujoco.mjtGeom.mjGEOM_SPHERE:
        return middle + size[0]
    if kind_ == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return middle + size[0] + size[1] * abs(along[2])
    if kind_ == mujoco.mjtGeom.mjGEOM_CYLINDER:
        return middle + size[0] * np.hypot(along[0], along[1]) + size[1] * abs(along[2])
    if kind_ == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
        return middle + float(np.linalg.norm(size * along))
    assert kind_ == mujoco.mjtGeom.mjGEOM_BOX
    return middle + float(size @ np.abs(along))


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_an_objects_points_reach_as_far_as_its_shapes(name: str, workcell: Workcell) -> None:
    """The points that grasps are planned on are where MuJoCo has the surfaces."""
    model, data = workcell.model, workcell.data
    pose = workcell.pose_of(name)
    points = cloud(kind(name)) @ pose[:3, :3].T + pose[:3, 3]
    body = model.body(name).id
    solid = [g for g in range(model.ngeom) if model.geom_bodyid[g] == body]
    solid = [g for g in solid if model.geom_contype[g]]
    for away in np.random.default_rng(1).normal(size=(60, 3)):
        direction = away / np.linalg.norm(away)
        furthest = max(reach(model, data, geom, direction) for geom in solid)
        assert float((points @ direction).max()) == pytest.approx(furthest, abs=0.0015)


def test_an_unknown_object_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownObject, match="banana"):
        kind("hammer")


def test_two_of_a_kind_have_two_names() -> None:
    names = object_names(SimConfig(objects=("can", "box", "can", "can")))
    assert names == ("can", "box", "can_2", "can_3")
