"""The cell as a machine: drives that follow trajectories, a clock, and the truth about it all.

It knows no ROS and no episodes. Whoever drives it sends trajectories to its three controllers
(arm, gripper, bins), lets time pass and reads joints and scene.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

import mujoco
import numpy as np

from mtopt_core.geometry import Transform, transform
from mtopt_core.joints import JointState, Vector
from mtopt_core.scene import ObjectTruth, PlateTruth, SceneTruth
from mtopt_core.workspace import Bin, Workspace
from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS, GRIPPER_JOINTS, RobotDescription

from .cloth import CLOTH, Cloth
from .cloud import cloud
from .config import SimConfig
from .drives import Drives, JointTable, Way
from .errors import TrajectoryRefused
from .follower import TrajectoryFollower, TrajectoryPoints
from .lens import Lens
from .model import FINGER_JOINTS, GROUND, build, object_names, varied_bodies
from .objects import kind_name
from .plate import PLATE, RADIUS_M, RIDGE_M, paint_plate, place_plate
from .rest import Rest
from .scatter import drop_positions, plate_pose, random_quaternion
from .standing import Standing, standing
from .touch import TouchReader
from .variation.identity import NOTHING, Variation
from .variation.mail import Letter, Mail
from .variation.wardrobe import Wardrobe

log = logging.getLogger(__name__)

CONTROLLERS: Mapping[str, tuple[str, ...]] = {
    "arm": ARM_JOINTS,
    "gripper": GRIPPER_JOINTS,
    "bin": BIN_JOINTS,
}
_AHEAD = 500  # steps of a motion worked out at once
_NEVER = 1 << 60  # steps
_LOOK_S = 0.2  # between two looks at the scene
# Angles of the left bin: level; back from a tip with nothing in it; tipped over.
_LEVEL_RAD, _EMPTY_RAD, _TIPPED_RAD = 0.05, 1.0, 2.0
_JOINTS = (*ARM_JOINTS, *FINGER_JOINTS, *BIN_JOINTS)


class Workcell:
    """One simulated cell. Not for several threads at once."""

    def __init__(
        self,
        description: RobotDescription,
        workspace: Workspace,
        config: SimConfig,
        lenses: tuple[Lens, ...],
        variation: Variation = NOTHING,
    ) -> None:
        self.description, self.workspace, self.config = description, workspace, config
        self.model = build(description, workspace, config, lenses, variation)
        self.data = mujoco.MjData(self.model)
        self.step: Callable[[int], None] = partial(mujoco.mj_step, self.model, self.data)
        self.object_names = object_names(config)
        self.kinds = variation.kinds(self.object_names)
        self.cloth = Cloth(self.model) if CLOTH in config.objects else None
        self.everything = (*self.object_names, *((CLOTH,) if self.cloth else ()))
        self.wardrobe = Wardrobe(
            self.model,
            variation,
            tuple(lens.name for lens in lenses),
            self.object_names,
            varied_bodies(description),
        )
        self._mail = Mail()
        self._steps = self._look_step = 0
        self._look_every = max(1, round(_LOOK_S / config.timestep_s))
        self._step_ns = round(config.timestep_s * 1e9)
        self._joints = JointTable(self.model, description.names(_JOINTS))
        self._drives = {
            controller: Drives(self.model, self._driven(controller)) for controller in CONTROLLERS
        }
        starts = [int(self.model.joint(name).dofadr[0]) for name in self.object_names]
        self._free = np.array([start + axis for start in starts for axis in range(3)], dtype=int)
        if self.cloth:
            self._free = np.append(self._free, self.cloth.dofs)
        self._bodies = np.array([self.model.body(name).id for name in self.object_names], dtype=int)
        self._rest = Rest(self.model, self._drives["bin"].dof, self._free, config.sleep_m_s)
        bins = description.names(("bin_left", "bin_right"))
        self._standing = Standing(self.model, bins, description.names(BIN_JOINTS), PLATE)
        self._followers: dict[str, TrajectoryFollower] = {}
        self._ways: dict[str, Way] = {}
        self._astray: frozenset[str] = frozenset()
        self._put_back: tuple[str, ...] = ()
        self._tipped = False
        self.resets = 0  # of the bins, since the cell was built
        self._touch = TouchReader(
            self.model,
            self.object_names,
            (description.name("gripper_finger_1"), description.name("gripper_finger_2")),
            (GROUND, description.name("table"), *bins, PLATE, *map(standing, (*bins, PLATE))),
        )
        self.restart(variation.purpose.own(config.seed))

    # -- time ---------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Simulated time since the last restart."""
        return self._steps * self._step_ns

    def advance(self, duration_s: float) -> None:
        """Let time pass, rounded up to whole physics steps."""
        left = int(np.ceil(duration_s / self.config.timestep_s - 1e-6))
        while left > 0:
            run = min(left, self._look_step - self._steps, self._steps_to_mail())
            self._run(run)
            left -= run
            if self._steps >= self._look_step:
                self._look_step = self._steps + self._look_every
                self._look()

    def finish(self, timeout_s: float = 30.0) -> None:
        """Let time pass until no controller has a motion under way, or the time is out."""
        ends_ns = [follower.end_ns for follower in self._followers.values()]
        end_ns = max(*ends_ns, self._mail.end_ns)
        self.advance(min(max(end_ns - self.now_ns, 0) * 1e-9, timeout_s))

    def settle(self) -> None:
        """Let time pass until all objects are at rest, or `settle_s` is out."""
        end_ns = self.now_ns + round(self.config.settle_s * 1e9)
        while self.now_ns < end_ns:
            self.advance(min(_LOOK_S, self.config.settle_s))
            if np.abs(self.data.qvel[self._free]).max(initial=0.0) < self.config.resting_m_s:
                return

    # -- controllers --------------------------------------------------------------------------

    def follow(self, controller: str, points: TrajectoryPoints) -> None:
        """Send a trajectory to "arm", "gripper" or "bin"; raises TrajectoryRefused."""
        if controller not in self._followers:
            known = ", ".join(self._followers)
            raise TrajectoryRefused(f"no controller {controller!r}; there are {known}")
        follower, delay_ns = self._followers[controller], self.wardrobe.delay_ns
        if delay_ns:
            follower.admit(points, self.now_ns)
            self._mail.post(Letter(self.now_ns + delay_ns, controller, points))
            return
        follower.follow(points, self.now_ns)
        self._lay(controller)

    def hold(self) -> None:
        """Every controller stands where its joints are now; the gripper keeps its grip."""
        measured = self.joint_state()
        self._mail.clear()
        for controller, follower in self._followers.items():
            if controller == "gripper":
                follower.hold(follower.sample(self.now_ns).q_rad)
            else:
                follower.hold(measured.select(follower.names).q_rad)
            self._lay(controller)

    def commanded(self, controller: str) -> Vector:
        """Positions that a controller asks of its joints now."""
        return self._followers[controller].sample(self.now_ns).q_rad.copy()

    def joint_state(self) -> JointState:
        """All joints as measured; effort is the drive's, weight included."""
        table, data = self._joints, self.data
        return JointState(
            table.names,
            data.qpos[table.qpos],
            data.qvel[table.dof],
            data.qfrc_actuator[table.dof],
            self.now_ns,
        )

    # -- scene --------------------------------------------------------------------------------

    def restart(self, seed: int) -> None:
        """Everything new: time zero, arm home, gripper open, bins level, a random scene.

        Raises ReservedForEvaluation or NotReserved for a seed that this cell is not for.
        """
        self.vary(seed)
        self._mail.clear()
        self._rng = np.random.default_rng(seed)
        mujoco.mj_resetData(self.model, self.data)
        self._steps = self._look_step = 0
        self._astray, self._put_back, self._tipped = frozenset(), (), False
        self._stand_home()
        self._settle_bins()
        self.place_plate()
        colours = self.config.plate_colours
        paint_plate(self.model, colours[self._rng.integers(len(colours))])
        self._drop(self.everything)
        self.settle()

    def vary(self, seed: int) -> None:
        """Draw anew what a reset renews: light, images, friction, delays."""
        self.wardrobe.wear(seed)

    def place_plate(self) -> None:
        """Move the plate to a random place and turn on the left bin's floor."""
        bins = self.workspace.bins
        x, y, yaw = plate_pose(bins, self._rng)
        place_plate(self.model, (x - bins.left_center_m[0], y, -bins.inner_size_m[2]), yaw)
        self._rest.wake(self.data)
        self._rest.place(self.data)

    def strays(self) -> tuple[str, ...]:
        """Objects that are in no bin and in no hand."""
        bins, slack = self.workspace.bins, -self.workspace.bins.wall_m
        at_m = self.data.xpos[self._bodies]
        if self.cloth:
            at_m = np.vstack([at_m, self.cloth.center(self.data)])
        inside = bins.holding(Bin.LEFT, at_m, slack) | bins.holding(Bin.RIGHT, at_m, slack)
        outside = np.flatnonzero(~inside)
        if not len(outside):
            return ()
        held = self._touch.held(self.data)
        return tuple(self.everything[index] for index in outside if not held[index])

    def truth(self) -> SceneTruth:
        """The scene as it is."""
        mujoco.mj_fwdPosition(self.model, self.data)
        held = self._touch.held(self.data)
        objects = tuple(
            ObjectTruth(name, kind_name(name), self._center(name), bool(holds), self._covered(name))
            for name, holds in zip(self.everything, held, strict=True)
        )
        plate = PlateTruth(self.pose_of(PLATE), RADIUS_M, RIDGE_M)
        return SceneTruth(
            self.now_ns,
            objects,
            plate,
            self.pose_of(self.description.name("tool")),
            self.gripper_closed,
            self._put_back,
        )

    @property
    def gripper_closed(self) -> bool:
        """Whether the gripper was last told to close."""
        return bool(self.commanded("gripper")[0] < 0.5 * self._drives["gripper"].upper[0])

    def pose_of(self, body: str) -> Transform:
        """`T_base_body` of a body of the model by its full name."""
        here = self.data.body(body)
        return transform(here.xmat.reshape(3, 3).copy(), here.xpos.copy())

    # -- inside -------------------------------------------------------------------------------

    def _center(self, name: str) -> Vector:
        if name == CLOTH and self.cloth:
            return self.cloth.center(self.data)
        here: Vector = self.data.body(name).xpos.copy()
        return here

    def _covered(self, name: str) -> float:
        """The share of an object that the cloth hides from above."""
        if not self.cloth or name == CLOTH:
            return 0.0
        T = self.pose_of(name)
        return self.cloth.covered(self.data, cloud(self.kinds[name]) @ T[:3, :3].T + T[:3, 3])

    def _steps_to_mail(self) -> int:
        """Deliver what has arrived; physics steps until the next letter does."""
        for letter in self._mail.due(self.now_ns):
            self._followers[letter.controller].follow(letter.points, self.now_ns)
            self._lay(letter.controller)
        next_ns = self._mail.next_ns
        return _NEVER if next_ns is None else max(1, -(-(next_ns - self.now_ns) // self._step_ns))

    def _driven(self, controller: str) -> tuple[str, ...]:
        plain = FINGER_JOINTS if controller == "gripper" else CONTROLLERS[controller]
        return self.description.names(plain)

    def _lay(self, controller: str) -> None:
        """Work out what a controller asks of its drives from now on, to its end or far enough."""
        follower, drives = self._followers[controller], self._drives[controller]
        left_ns = max(0, follower.end_ns - self.now_ns)
        count = min(-(-left_ns // self._step_ns) + 1, _AHEAD)
        wanted = drives.wanted(follower, self.now_ns, self._step_ns, count)
        self._ways[controller] = Way(drives.ctrl, wanted, self._steps)

    def _underway(self) -> list[Way]:
        """The ways that have a say in the next step; those used up are worked out further."""
        for controller, way in self._ways.items():
            if self._steps >= way.end and self._followers[controller].busy(self.now_ns):
                self._lay(controller)
        return [way for way in self._ways.values() if self._steps < way.end]

    def _run(self, steps: int) -> None:
        """Physics steps with the drives doing what the controllers want at each of them."""
        data, end = self.data, self._steps + steps
        while self._steps < end:
            ways = self._underway()
            self._settle_bins()
            run = min([end, *(way.end for way in ways)]) - self._steps
            if ways:
                ctrl = data.ctrl
                for asked in self._asked(ways, run):
                    ctrl[:] = asked
                    self.step(1)
            else:  # every drive stays with the last it was asked for
                self.step(run)
            self._steps += run

    def _asked(self, ways: list[Way], steps: int) -> Vector:
        """What all drives are asked for in the next steps, (steps, U)."""
        asked = np.repeat(self.data.ctrl[None], steps, axis=0)
        for way in ways:
            now = self._steps - way.begins
            asked[:, way.ctrl] = way.wanted[now : now + steps]
        return asked

    def _settle_bins(self) -> None:
        """Before a run of steps: what may sleep in it, and which bins stand."""
        self._rest.keep_what_is_touched(self.data)
        way = self._ways["bin"]
        asked_rad = way.furthest(self._steps)
        self._rest.keep_bins([rad > 0.0 and self._steps < way.end for rad in asked_rad])
        self._standing.choose(self.data, asked_rad)

    def _stand_home(self) -> None:
        home = {
            "arm": np.array(self.workspace.home_q_rad),
            "gripper": self._drives["gripper"].upper[:1],
            "bin": np.zeros(len(BIN_JOINTS)),
        }
        for controller, q_rad in home.items():
            names = self.description.names(CONTROLLERS[controller])
            self._followers[controller] = TrajectoryFollower(names, q_rad)
            self._drives[controller].stand(self.data, q_rad)
            self._lay(controller)

    def _drop(self, names: tuple[str, ...]) -> None:
        """Let objects fall into the right bin where there is room."""
        bins = self.workspace.bins
        places = drop_positions(bins, len(names), self.config.spacing_m, self._rng)
        for name, place in zip(names, places, strict=True):
            if name == CLOTH and self.cloth:
                self.cloth.drop(self.data, place, self._rng)
                continue
            joint = self.data.joint(name)
            joint.qpos = [*place, *random_quaternion(self._rng)]
            joint.qvel = 0.0
        mujoco.mj_forward(self.model, self.data)

    def _look(self) -> None:
        """What people do around a real cell: put back what fell out, move the plate at times."""
        left_rad = float(self.data.qpos[self._drives["bin"].qpos[0]])
        if left_rad > _TIPPED_RAD:
            self._tipped, self._astray = True, frozenset()
            return
        if self._tipped and left_rad < _EMPTY_RAD:
            self._tipped, self._put_back = False, ()
            self.resets += 1
            self.place_plate()
        astray = frozenset(self.strays()) if left_rad < _LEVEL_RAD else frozenset()
        lost = tuple(name for name in self.everything if name in astray & self._astray)
        self._astray = astray - set(lost)
        if lost:
            self._put_back += lost
            log.warning("out of the cell, put back into the right bin: %s", ", ".join(lost))
            self._drop(lost)
