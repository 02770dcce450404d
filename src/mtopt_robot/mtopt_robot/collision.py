"""What the arm may not touch: the table, the bins as they stand, the cameras' posts, itself.

The shapes are the description's collision shapes, all of them convex, so Pinocchio and coal
answer in about ten microseconds. Left out are pairs that always touch (neighbours in the arm,
what is mounted on what) and pairs two links apart in the arm: the joints' limits keep those
apart, and only the primitives that stand for the links' true forms overlap there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pinocchio as pin

from mtopt_core.config import option
from mtopt_core.joints import JointState, Vector

from .description import BIN_JOINTS, GRIPPER_JOINTS, RobotDescription
from .errors import DescriptionInvalid

ARM_LINKS = tuple(f"iiwa_link_{index}" for index in range(8))
_CHAIN = (*ARM_LINKS, "gripper_palm")
_FINGERS = ("gripper_finger_1", "gripper_finger_2")
_HAND = ("gripper_palm", *_FINGERS)
_MIMIC = "gripper_mimic_joint"
_HAND_M = 0.06  # from the tool's axis to the edge of the palm
_LEAVING_M = 1e-4  # what a way out of touch may lose in between: rounding of the distances


@dataclass(frozen=True)
class CollisionConfig:
    """How far is far enough."""

    margin_m: float = option(
        0.010, "room between the arm and anything else", unit="m", low=0.0, high=0.1
    )
    gripper_margin_m: float = option(
        0.001,
        "room between the gripper and what it works in: a finger may graze a floor",
        unit="m",
        low=0.0,
        high=0.05,
    )
    look_m: float = option(
        0.010, "furthest the arm moves between two looks at a way", unit="m", low=1e-3, high=0.1
    )


@dataclass(frozen=True)
class Surroundings:
    """What moves about the arm's joints: the fingers' travel and the angles of the hinges."""

    finger_m: float = 0.035
    left_rad: float = 0.0
    right_rad: float = 0.0

    @classmethod
    def of(cls, state: JointState, description: RobotDescription) -> Surroundings:
        """As it is measured. A hinge that the state does not know hangs level.

        Fingers that it does not know are taken as open, where they are in the way most.
        """
        usual = cls()
        plain = (*GRIPPER_JOINTS, *BIN_JOINTS)
        values = (usual.finger_m, usual.left_rad, usual.right_rad)
        known = dict(zip(state.names, state.q_rad, strict=True))
        found = [
            float(known.get(name, value))
            for name, value in zip(description.names(plain), values, strict=True)
        ]
        seen = [f if np.isfinite(f) else v for f, v in zip(found, values, strict=True)]
        return cls(*seen)


OPEN_AND_LEVEL = Surroundings()


@dataclass(frozen=True)
class Nearest:
    """The nearest pair of links: below zero, how deep they are in each other."""

    distance_m: float
    first: str
    second: str


class CollisionModel:
    """The shapes of one cell; it owns scratch memory, so one thread at a time."""

    def __init__(
        self, description: RobotDescription, config: CollisionConfig = CollisionConfig()
    ) -> None:
        self.config = config
        self.description = description
        try:
            self._model = pin.buildModelFromXML(description.urdf)
            self._shapes = pin.buildGeomFromUrdfString(
                self._model, description.urdf, pin.GeometryType.COLLISION
            )
        except Exception as error:  # a binding's own error types: ValueError, RuntimeError
            raise DescriptionInvalid(f"the description has no usable shapes: {error}") from error
        self._links = [
            self._model.frames[shape.parentFrame].name for shape in self._shapes.geometryObjects
        ]
        margins = self._add_pairs()
        self._data = self._model.createData()
        self._results = self._shapes.createData()
        for request, margin_m in zip(self._results.collisionRequests, margins, strict=True):
            request.security_margin = margin_m
        # With forty shapes, comparing every pair of boxes is faster than keeping a tree of them.
        self._boxes = pin.BroadPhaseManager_NaiveCollisionManager(
            self._model, self._shapes, self._results
        )
        self._margins_m = np.array(margins)
        self._arm = self._columns(description.arm_limits.names)
        self._fingers = self._columns(description.names((*GRIPPER_JOINTS, _MIMIC)))
        self._hinges = self._columns(description.names(BIN_JOINTS))

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """The pairs of links that are looked at, each in alphabetical order."""
        return frozenset(self._pair(index) for index in range(len(self._shapes.collisionPairs)))

    def clear(self, q_rad: Vector, around: Surroundings = OPEN_AND_LEVEL) -> bool:
        """Whether joints (7,) keep every pair further apart than its margin."""
        q = self._whole(q_rad, around)
        return not pin.computeCollisions(self._model, self._data, self._boxes, q, True)

    def touching(
        self, q_rad: Vector, around: Surroundings = OPEN_AND_LEVEL
    ) -> tuple[tuple[str, str], ...]:
        """The pairs of links that are nearer than their margin, in alphabetical order."""
        q = self._whole(q_rad, around)
        pin.computeCollisions(self._model, self._data, self._shapes, self._results, q, False)
        found = {
            self._pair(index)
            for index, result in enumerate(self._results.collisionResults)
            if result.isCollision()
        }
        return tuple(sorted(found))

    def nearest(self, q_rad: Vector, around: Surroundings = OPEN_AND_LEVEL) -> Nearest:
        """The nearest pair and its distance, margins left aside."""
        q = self._whole(q_rad, around)
        index = pin.computeDistances(self._model, self._data, self._shapes, self._results, q)
        return Nearest(float(self._results.distanceResults[index].min_distance), *self._pair(index))

    def room_m(self, q_rad: Vector, around: Surroundings = OPEN_AND_LEVEL) -> float:
        """The least distance of any pair beyond its margin: below zero, something touches."""
        q = self._whole(q_rad, around)
        pin.computeDistances(self._model, self._data, self._shapes, self._results, q)
        distances = [result.min_distance for result in self._results.distanceResults]
        return float((np.array(distances) - self._margins_m).min())

    def touched_on(
        self, rows_rad: Vector, around: Surroundings = OPEN_AND_LEVEL
    ) -> tuple[tuple[str, str], ...]:
        """The pairs that the first bad sample of a motion (N, 7) touches; empty if all are clear.

        A motion may start in touch with something if it leaves it: until it is clear, the room
        only grows.
        """
        leaving = not self.clear(rows_rad[0], around)
        room_m = self.room_m(rows_rad[0], around) if leaving else 0.0
        for q in rows_rad[1:]:
            if self.clear(q, around):
                leaving = False
                continue
            room_now_m = self.room_m(q, around)
            if not leaving or room_now_m < room_m - _LEAVING_M:
                return self.touching(q, around)
            room_m = max(room_m, room_now_m)
        return self.touching(rows_rad[-1], around) if leaving else ()

    def clear_between(
        self,
        q_from_rad: Vector,
        q_to_rad: Vector,
        around: Surroundings = OPEN_AND_LEVEL,
    ) -> bool:
        """Whether the straight joint-space way between two joint positions (7,) is clear.

        No point of the arm moves further than `look_m` from one look to the next.
        """
        way_m = float(np.abs(q_to_rad - q_from_rad) @ self.levers_m)
        count = 2 + int(way_m / self.config.look_m)
        shares = np.linspace(0.0, 1.0, count)
        # Far looks first: what is in the way is mostly found in the middle.
        order = np.argsort(np.arange(count) * 0.6180339887498949 % 1.0)
        return all(
            self.clear(q_from_rad + share * (q_to_rad - q_from_rad), around)
            for share in shares[order]
        )

    def around(self, state: JointState) -> Surroundings:
        """What a measurement says of fingers and hinges."""
        return Surroundings.of(state, self.description)

    @cached_property
    def levers_m(self) -> Vector:
        """How far (7,) any point of arm or gripper can be from each arm joint's axis."""
        q = pin.neutral(self._model)
        pin.framesForwardKinematics(self._model, self._data, q)
        names = self.description.arm_limits.names
        at = [self._data.oMi[self._model.getJointId(name)].translation for name in names]
        tool = self._model.getFrameId(self.description.name("tool"))
        tip = self._data.oMf[tool].translation
        # Stretched out from the joint; half the width of the hand is on top.
        return np.array([float(np.linalg.norm(tip - joint)) for joint in at]) + _HAND_M

    def _whole(self, q_rad: Vector, around: Surroundings) -> Vector:
        q = np.zeros(self._model.nq)
        q[self._arm] = q_rad
        q[self._fingers] = around.finger_m
        q[self._hinges] = around.left_rad, around.right_rad
        return q

    def _columns(self, names: tuple[str, ...]) -> list[int]:
        absent = [name for name in names if not self._model.existJointName(name)]
        if absent:
            raise DescriptionInvalid(f"the description has no joint {', '.join(absent)}")
        return [self._model.joints[self._model.getJointId(name)].idx_q for name in names]

    def _add_pairs(self) -> list[float]:
        """Every pair that may touch; the margins in their order."""
        margins = []
        named = self.description.names
        moving = {*named(_CHAIN), *named(_FINGERS)} - {self.description.name("iiwa_link_0")}
        never = _never(self.description)
        hand = set(named(_HAND))
        arm = set(named(ARM_LINKS))
        for first, second in itertools.combinations(range(self._shapes.ngeoms), 2):
            links = {self._links[first], self._links[second]}
            if not links & moving or len(links) == 1 or frozenset(links) in never:
                continue
            self._shapes.addCollisionPair(pin.CollisionPair(first, second))
            works = bool(links & hand) and not links & arm
            margins.append(self.config.gripper_margin_m if works else self.config.margin_m)
        return margins

    def _pair(self, index: int) -> tuple[str, str]:
        pair = self._shapes.collisionPairs[index]
        first, second = sorted((self._links[pair.first], self._links[pair.second]))
        return first, second


def _never(description: RobotDescription) -> set[frozenset[str]]:
    """Pairs of links that are not looked at although one of them moves."""
    near = [
        (_CHAIN[first], _CHAIN[second])
        for first, second in itertools.combinations(range(len(_CHAIN)), 2)
        if second - first <= 2
    ]
    # Joint 7 turns the hand about its own length: it comes no nearer to what is beyond.
    held = [(link, finger) for link in _CHAIN[-3:] for finger in _FINGERS]
    return {frozenset(description.names(pair)) for pair in (*near, *held, _FINGERS)}
