"""Leaving out what is not seen changes no pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mtopt_core.geometry import transform
from mtopt_sim import cameras as cameras_module
from mtopt_sim.cameras import Cameras
from mtopt_sim.frustum import Frustum
from mtopt_sim.lens import CAMERAS, Lens
from mtopt_sim.workcell import Workcell

DOWN = np.diag([1.0, -1.0, -1.0])  # from 2 m above the origin, looking down


@pytest.fixture
def above() -> Frustum:
    return Frustum(transform(DOWN, np.array([0.0, 0.0, 2.0])), math.pi / 2, 100, 200)


def test_what_touches_the_view_is_seen_and_nothing_beyond_it(above: Frustum) -> None:
    """The view is 4 m by 2 m half sides at the floor; spheres of 0.1 m around its edges."""
    centers = np.array(
        [(0, 0, 0), (4.05, 0, 0), (4.3, 0, 0), (0, -2.05, 0), (0, 2.3, 0), (0, 0, 2.5), (9, 9, 9)],
        dtype=float,
    )
    radii = np.array([0.1] * 6 + [0.0])
    assert above.sees(centers, radii).tolist() == [True, True, False, True, False, False, True]


def test_a_floor_fills_the_view_only_if_it_reaches_every_corner(above: Frustum) -> None:
    floor = np.zeros(3)
    assert above.covers(floor, np.array([4.1, 2.1]))
    assert not above.covers(floor, np.array([3.9, 2.1]))
    assert not above.covers(floor, np.array([4.1, 1.9]))
    assert not above.covers(np.array([0.0, 0.0, 3.0]), np.array([9.0, 9.0]))
    level = Frustum(transform(np.eye(3)[[2, 0, 1]].T, np.zeros(3)), 1.0, 10, 10)
    assert not level.covers(np.array([0.0, 0.0, -1.0]), np.array([1e6, 1e6]))


@pytest.mark.parametrize("name", CAMERAS)
def test_leaving_out_what_is_not_seen_changes_no_pixel(
    name: str, workcell: Workcell, lenses: tuple[Lens, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen() -> np.ndarray:
        with Cameras(workcell, lenses, workcell.config) as cameras:
            return cameras.image(name)

    thrifty = seen()
    groups = workcell.model.geom_group.copy()
    with monkeypatch.context() as patch:
        patch.setattr(Frustum, "sees", lambda self, centers, radii: np.ones(len(radii), bool))
        patch.setattr(Frustum, "covers", lambda self, *rectangle: False)
        assert np.array_equal(seen(), thrifty)
    assert np.array_equal(workcell.model.geom_group, groups)
    assert cameras_module._UNSEEN_GROUP not in cameras_module._SHOWN_GROUPS


def test_much_is_left_out(workcell: Workcell, lenses: tuple[Lens, ...]) -> None:
    with Cameras(workcell, lenses, workcell.config) as cameras:
        cameras.image("overhead")
        (renderer,) = cameras._renderers.values()
        thrifty = renderer.scene.ngeom
        renderer.update_scene(workcell.data, "overhead", cameras._options)
        assert thrifty < 0.9 * renderer.scene.ngeom
