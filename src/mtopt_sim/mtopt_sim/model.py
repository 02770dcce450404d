"""The MuJoCo model of a cell: the robot description, and what a description has no words for.

From the URDF come links, joints, limits, inertias, looks, collision shapes and camera frames.
Added here are drives, the objects, the plate, lenses, light and the floor.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np
from numpy.typing import NDArray

from mtopt_core.workspace import Bin, BinGeometry, Workspace
from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS, RobotDescription

from .cloth import CLOTH, add_cloth
from .config import SimConfig
from .errors import DescriptionError
from .lens import CAMERAS, Lens
from .objects import Kind, kind_name
from .plate import PLATE, add_plate
from .standing import add_standing
from .variation.identity import NOTHING, Variation
from .variation.patterns import add_patterns
from .variation.wardrobe import FINGERS, mount_parts

# Who touches whom: things of the room touch objects and the robot, the robot touches objects.
# Edges are thin things of the room: the cloth's particles would catch behind them, so it does not
# touch them.
ROOM, OBJECT, ROBOT, EDGE = 1, 2, 4, 8
_TOUCHES = {
    ROOM: OBJECT | ROBOT,
    OBJECT: ROOM | OBJECT | ROBOT | EDGE,
    ROBOT: ROOM | OBJECT | EDGE,
    EDGE: 0,
}

GROUND = "ground"
FINGER_JOINTS = ("gripper_joint", "gripper_mimic_joint")

# Drives as position loops: stiffness (Nm/rad or N/m), damping, inertia of the motor. The arm's
# are those of its joint impedance control, well below the 5000 Nm/rad that it can do: at the tool
# about 3 N a millimetre, so that fingers that land on an object lean on it and break nothing.
_ARM_DRIVES = (
    (2000.0, 170.0, 0.6),
    (2000.0, 170.0, 0.6),
    (1250.0, 70.0, 0.4),
    (1250.0, 70.0, 0.4),
    (600.0, 27.0, 0.2),
    (200.0, 9.6, 0.15),
    (170.0, 7.8, 0.08),
)
# A held object trembles by micrometres; in a step in which it touches but one finger the other
# closes, the further the lighter it is. Much heavier ones strike a wall too hard for the wrist.
_FINGER_DRIVE = (4000.0, 90.0, 0.5)
_BIN_DRIVE = (3000.0, 120.0, 0.3)

_FINGER_FRICTION = (1.4, 0.03, 0.001)  # soft rubber
_OBJECT_FRICTION = (0.65, 0.005, 0.0001)  # soft plastic
_ROOM_FRICTION = (0.65, 0.005, 0.0001)
_MORE_FLOOR_M, _MORE_WALL_M = 0.030, 0.010
_ROLLING_DAMPING = 2e-4  # per free joint: slows spin within a second, hardly touches flight


def object_names(config: SimConfig) -> tuple[str, ...]:
    """A name for each object: its kind, numbered from the second of a kind on."""
    names: list[str] = []
    for name in (name for name in config.objects if name != CLOTH):
        earlier = sum(1 for known in names if kind_name(known) == name)
        names.append(f"{name}_{earlier + 1}" if earlier else name)
    return tuple(names)


def varied_bodies(description: RobotDescription) -> dict[str, str]:
    """The bodies in this cell of the surfaces, fingers and cameras that a variation changes."""
    mounts = (part for camera in CAMERAS for part in mount_parts(camera))
    plain = ("table", "bin_left", "bin_right", *FINGERS, *mounts)
    bodies = {name: description.name(name) for name in plain}
    return {**bodies, GROUND: GROUND}


def build(
    description: RobotDescription,
    workspace: Workspace,
    config: SimConfig,
    lenses: tuple[Lens, ...],
    variation: Variation = NOTHING,
) -> mujoco.MjModel:
    """The compiled model; raises DescriptionError."""
    spec = mujoco.MjSpec.from_string(_complete(description.urdf))
    _set_options(spec, config)
    _set_bodies(spec, description)
    _add_drives(spec, description, config)
    for name, made in variation.kinds(object_names(config)).items():
        _add_object(spec, name, made)
    if CLOTH in config.objects:
        add_cloth(spec, OBJECT, _TOUCHES[OBJECT] & ~EDGE)
    add_plate(
        spec,
        spec.body(description.name("bin_left")),
        dish=(ROOM, _TOUCHES[ROOM]),
        edges=(EDGE, _TOUCHES[EDGE]),
    )
    add_standing(spec, description.names(("bin_left", "bin_right")), PLATE)
    for lens in lenses:
        _add_camera(spec, description, lens)
    _add_room(spec, workspace.bins)
    add_patterns(spec, variation, varied_bodies(description))
    # No larger than needed: the whole buffer is cleared for every image.
    spec.visual.global_.offheight = max(config.policy_height_px, *(k.height_px for k in lenses))
    spec.visual.global_.offwidth = max(config.policy_width_px, *(k.width_px for k in lenses))
    return spec.compile()


def _complete(urdf: str) -> str:
    """The URDF with MuJoCo told to keep the frames and the looks that it drops by default."""
    try:
        robot = ElementTree.fromstring(urdf)
    except ElementTree.ParseError as error:
        raise DescriptionError(f"the description is no XML: {error}") from error
    keep = dict.fromkeys(("fusestatic", "discardvisual"), "false")
    ElementTree.SubElement(ElementTree.SubElement(robot, "mujoco"), "compiler", keep)
    return ElementTree.tostring(robot, encoding="unicode")


def _set_options(spec: mujoco.MjSpec, config: SimConfig) -> None:
    option = spec.option
    option.timestep = config.timestep_s
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    # Friction stiffer than normal contact: else a held object creeps out of the fingers. More of it
    # costs the solver dear; stiffer fingers in its place lose touch of what they hold for a step.
    option.impratio = 30.0
    option.iterations = config.solver_iterations


def _set_bodies(spec: mujoco.MjSpec, description: RobotDescription) -> None:
    """Weightless robot (its drives carry it), and who may touch whom."""
    bins = set(description.names(("bin_left", "bin_right")))
    room = bins | {description.name("table")}
    fingers = {description.name(f"gripper_finger_{number}") for number in (1, 2)}
    for body in spec.bodies[1:]:
        body.gravcomp = 1.0
        if body.name in bins:
            _thicken(body)
        for geom in body.geoms:
            if not geom.contype:  # what the description only shows
                continue
            group = ROOM if body.name in room else ROBOT
            geom.contype, geom.conaffinity = group, _TOUCHES[group]
            geom.group = 3  # collision shapes are not drawn
            geom.friction = _FINGER_FRICTION if body.name in fingers else _ROOM_FRICTION
            geom.condim = 4 if body.name in fingers else 3
            if body.name in fingers:  # their own contact law rules, and a stiff one
                geom.priority = 1
                geom.solref, geom.solimp = (0.008, 1.0), (0.997, 0.9997, 0.001, 0.5, 2.0)


def _thicken(body: mujoco.MjsBody) -> None:
    """Make a bin's floor and walls thicker on their outer side, where no robot ever is.

    A thing that falls goes half as far in a step as a sheet is thick: its stalk would get
    through to the other side and hang there. What is drawn stays as it is.
    """
    solid = [geom for geom in body.geoms if geom.contype]
    middle = np.mean([geom.pos for geom in solid], axis=0)
    for geom in solid:
        axis = int(np.argmin(geom.size))
        size, pos = np.array(geom.size), np.array(geom.pos)
        more = _MORE_FLOOR_M if axis == 2 else _MORE_WALL_M
        size[axis] += more / 2.0
        pos[axis] += more / 2.0 * np.sign(pos[axis] - middle[axis])
        geom.size, geom.pos = size, pos


def _add_drives(spec: mujoco.MjSpec, description: RobotDescription, config: SimConfig) -> None:
    for name, drive in zip(ARM_JOINTS, _ARM_DRIVES, strict=True):
        _add_drive(spec, description.name(name), drive)
    for name in BIN_JOINTS:
        _add_drive(spec, description.name(name), _BIN_DRIVE)
    for name in FINGER_JOINTS:
        _add_drive(spec, description.name(name), _FINGER_DRIVE, config.grip_force_n)
    for equality in spec.equalities:  # the fingers' coupling, from the URDF's mimic
        equality.solref = (0.008, 1.0)
        equality.solimp = (0.98, 0.999, 0.0001, 0.5, 2.0)


def _add_drive(
    spec: mujoco.MjSpec,
    name: str,
    drive: tuple[float, float, float],
    force: float | None = None,
) -> None:
    """A position drive on a joint, within the joint's own effort limit."""
    stiffness, damping, inertia = drive
    joint = spec.joint(name)
    joint.armature = inertia
    joint.actgravcomp = True
    actuator = spec.add_actuator(
        name=name,
        target=name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
    )
    actuator.gainprm[0] = stiffness
    actuator.biasprm[1], actuator.biasprm[2] = -stiffness, -damping
    if force is not None:
        actuator.forcelimited = True
        actuator.forcerange = (-force, force)


def _add_object(spec: mujoco.MjSpec, name: str, what: Kind) -> None:
    body = spec.worldbody.add_body(name=name, pos=(0.0, 0.0, 1.0))
    joint = body.add_freejoint(name=name)
    joint.damping = (_ROLLING_DAMPING, 0.0, 0.0)
    volumes = [_volume(part.shape, part.size) for part in what.parts if part.solid]
    density = what.mass_kg / sum(volumes)
    for part in what.parts:
        body.add_geom(
            type=getattr(mujoco.mjtGeom, f"mjGEOM_{part.shape.upper()}"),
            size=(*part.size, 0.0, 0.0)[:3],
            pos=part.at,
            quat=quaternion(part.euler),
            rgba=(*part.colour, part.alpha),
            density=density if part.solid else 0.0,
            contype=OBJECT if part.solid else 0,
            conaffinity=_TOUCHES[OBJECT] if part.solid else 0,
            condim=3,
            friction=_OBJECT_FRICTION,
        )


def quaternion(euler: tuple[float, float, float]) -> NDArray[np.float64]:
    """(w, x, y, z) of turns about fixed x, then y, then z, in radians."""
    q = np.empty(4)
    mujoco.mju_euler2Quat(q, np.array(euler), "XYZ")
    return q


def _volume(shape: str, size: tuple[float, ...]) -> float:
    if shape in ("capsule", "cylinder"):
        ends = 4.0 / 3.0 * size[0] if shape == "capsule" else 0.0
        return math.pi * size[0] ** 2 * (2.0 * size[1] + ends)
    if shape == "box":
        return 8.0 * math.prod(size)
    return 4.0 / 3.0 * math.pi * (math.prod(size) if shape == "ellipsoid" else size[0] ** 3)


def _add_camera(spec: mujoco.MjSpec, description: RobotDescription, lens: Lens) -> None:
    """A lens at its optical frame: MuJoCo looks along -z with y up, an optical frame along z."""
    frame = spec.body(description.name(f"camera_{lens.name}_optical_frame"))
    frame.add_camera(name=lens.name, quat=(0.0, 1.0, 0.0, 0.0), fovy=math.degrees(lens.fov_y_rad))


def _add_room(spec: mujoco.MjSpec, bins: BinGeometry) -> None:
    quality = spec.visual.quality  # coarse roundings: half the time of a small image
    quality.shadowsize, quality.numslices, quality.numstacks, quality.numquads = 2048, 16, 8, 1
    spec.visual.headlight.ambient = (0.42, 0.42, 0.42)
    spec.visual.headlight.diffuse = (0.15, 0.15, 0.15)
    spec.visual.headlight.specular = (0.0, 0.0, 0.0)
    spec.visual.map.znear, spec.visual.map.zfar = 0.01, 20.0
    middle = np.array([bins.center_m(Bin.LEFT)[0], 0.0, 0.0])
    spec.stat.center, spec.stat.extent = middle, 1.4  # what shadows and the far plane go by
    for offset, strength in (((-0.6, 1.0, 2.0), 0.45), ((0.9, -0.8, 1.8), 0.30)):
        position = middle + offset
        light = spec.worldbody.add_light(pos=position, dir=middle - position)
        light.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        light.castshadow = strength > 0.4
        light.diffuse, light.specular = (strength,) * 3, (0.12, 0.12, 0.12)
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=(0.86, 0.89, 0.93),
        rgb2=(0.55, 0.60, 0.67),
        width=128,
        height=768,
    )
    # A body of its own, after all others: drawn last, where most of it is hidden already.
    spec.worldbody.add_body(name=GROUND).add_geom(
        name=GROUND,
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(4.0, 4.0, 0.1),
        pos=(0.0, 0.0, -0.70),
        rgba=(0.50, 0.52, 0.55, 1.0),
        contype=ROOM,
        conaffinity=_TOUCHES[ROOM],
    )
