"""The divided plate: a low dish with a T of ridges, held by its magnet to the left bin's floor.

The plate's frame has z up and y towards its top: the lower half is one section, the upper half
is split in two. It is part of the bin, so it turns with it; where it sits is a matter of
the model's constants and may be changed between two steps.
"""

from __future__ import annotations

import math

import mujoco

from .standing import standing

PLATE = "plate"
RADIUS_M = 0.095  # a toddler's divided plate: two thirds of the bin's width
BASE_M = 0.004
RIDGE_M = 0.012
_RIM_M = 0.008
_RIDGE_HALF_M = 0.0025
_RIM_PIECES = 24

COLOURS = {
    "blue": ((0.16, 0.42, 0.86), (0.45, 0.66, 0.97)),
    "green": ((0.18, 0.62, 0.36), (0.50, 0.84, 0.58)),
    "red": ((0.85, 0.22, 0.26), (0.97, 0.55, 0.52)),
}


def add_plate(
    spec: mujoco.MjSpec, bin_body: mujoco.MjsBody, dish: tuple[int, int], edges: tuple[int, int]
) -> None:
    """The plate as a part of a bin; `place_plate` says where.

    `dish` and `edges` are contype and conaffinity of its base and of its ridges and rim.
    """
    body = bin_body.add_body(name=PLATE, gravcomp=1.0)
    base = {
        "contype": dish[0],
        "conaffinity": dish[1],
        # Glazed, whatever lies on it: a can between a rough rim and the wall would wedge there.
        "friction": (0.25, 0.005, 0.0001),
        "priority": 1,
    }
    edge = {**base, "contype": edges[0], "conaffinity": edges[1]}
    body.add_geom(
        name="plate_base",
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=(RADIUS_M, BASE_M / 2, 0.0),
        pos=(0.0, 0.0, BASE_M / 2),
        mass=0.12,
        **base,
    )
    inner = RADIUS_M - 2.0 * _RIDGE_HALF_M
    half_z = RIDGE_M / 2
    for name, at, size in (
        ("across", (0.0, 0.0), (inner, _RIDGE_HALF_M)),
        ("up", (0.0, inner / 2), (_RIDGE_HALF_M, inner / 2)),
    ):
        body.add_geom(
            name=f"plate_ridge_{name}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=(*size, half_z),
            pos=(*at, half_z),
            mass=0.01,
            **edge,
        )
    ring = RADIUS_M - _RIDGE_HALF_M
    length = ring * math.tan(math.pi / _RIM_PIECES) + _RIDGE_HALF_M
    for index in range(_RIM_PIECES):
        angle = 2.0 * math.pi * index / _RIM_PIECES
        body.add_geom(
            name=f"plate_rim_{index}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=(_RIDGE_HALF_M, length, _RIM_M / 2),
            pos=(ring * math.cos(angle), ring * math.sin(angle), _RIM_M / 2),
            quat=(math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)),
            mass=0.003,
            **edge,
        )


def place_plate(
    model: mujoco.MjModel, offset_m: tuple[float, float, float], yaw_rad: float
) -> None:
    """Put the plate at an offset in the bin's frame, turned about z."""
    for name in (PLATE, standing(PLATE)):
        body = model.body(name).id
        model.body_pos[body] = offset_m
        model.body_quat[body] = (math.cos(yaw_rad / 2), 0.0, 0.0, math.sin(yaw_rad / 2))


def paint_plate(model: mujoco.MjModel, colour: str) -> None:
    """Give the plate one of its colours: the dish light, its ridges and rim dark."""
    ridge, dish = COLOURS[colour]
    for geom in range(model.ngeom):
        name = model.geom(geom).name
        if name.startswith("plate_"):
            model.geom_rgba[geom, :3] = dish if name == "plate_base" else ridge
