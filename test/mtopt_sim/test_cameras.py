"""Cameras: where they are, what they see."""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np
import pytest

from mtopt_core.workspace import Bin
from mtopt_robot.calibration import CameraCalibration
from mtopt_sim.cameras import Cameras
from mtopt_sim.config import SimConfig
from mtopt_sim.errors import UnknownObject
from mtopt_sim.lens import CAMERAS, Lens, lenses_of
from mtopt_sim.workcell import Workcell


@pytest.fixture
def cameras(workcell: Workcell, lenses: tuple[Lens, ...]) -> Iterator[Cameras]:
    with Cameras(workcell, lenses, workcell.config) as cameras:
        yield cameras


def test_images_have_the_lenses_sizes(cameras: Cameras) -> None:
    for name in CAMERAS:
        lens, image = cameras.lens(name), cameras.image(name)
        assert image.shape == (lens.height_px, lens.width_px, 3)
        assert image.dtype == np.uint8
        assert image.std() > 10.0
    assert cameras.lens("overhead").height_px == 512
    assert cameras.image("left", (48, 64)).shape == (48, 64, 3)


def test_the_same_scene_gives_the_same_pixels(cameras: Cameras) -> None:
    assert np.array_equal(cameras.image("overhead"), cameras.image("overhead"))


def test_poses_and_intrinsics_are_the_descriptions(
    cameras: Cameras, workcell: Workcell, lenses: tuple[Lens, ...]
) -> None:
    """A camera of the simulation is the one that the calibration of the description tells of."""
    for lens in lenses:
        known = CameraCalibration.of_description(
            workcell.description, lens.name, lens.width_px, lens.height_px, lens.fov_y_rad
        )
        assert cameras.pose(lens.name) == pytest.approx(known.T_base_camera, abs=1e-6)
        assert pytest.approx(known.K, abs=1e-6) == lens.K


def test_a_thing_is_seen_where_the_pinhole_puts_it(cameras: Cameras, workcell: Workcell) -> None:
    """Each camera's pixel at the tomato is red, wherever a ray to it says that nothing hides it."""
    seen = 0
    for seed in range(6):
        workcell.restart(seed)
        at = workcell.data.body("tomato").xpos + np.array([0.0, 0.0, 0.012])
        for name in CAMERAS:
            if not bare(workcell, cameras.pose(name)[:3, 3], at):
                continue
            u, v = np.round(cameras.pixel(name, at)).astype(int)
            red, green, blue = cameras.image(name)[v, u].astype(int)
            assert red > 1.8 * max(green, blue), (seed, name)
            seen += 1
    assert seen >= 9


def bare(cell: Workcell, eye_m: np.ndarray, at_m: np.ndarray) -> bool:
    """Whether rays from an eye to a point of the tomato and all around it meet its red first."""
    model, hit = cell.model, np.array([-1], dtype=np.int32)
    ahead_m = 0.8 * eye_m + 0.2 * at_m  # out of the camera's own housing
    shown = np.array([1, 1, 1, 0, 0, 0], dtype=np.uint8)
    for aside in ((0.0, 0.0), (0.004, 0.0), (-0.004, 0.0), (0.0, 0.004), (0.0, -0.004)):
        ray = at_m + np.array([*aside, 0.0]) - ahead_m
        mujoco.mj_ray(model, cell.data, ahead_m, ray, shown, 1, -1, hit)
        red, green, blue, _ = model.geom_rgba[hit[0]]
        if model.body(model.geom_bodyid[hit[0]]).name != "tomato" or red < max(green, blue):
            return False
    return True


def test_every_camera_sees_both_bins_whole_within_the_policys_crop(cameras: Cameras) -> None:
    bins = cameras._cell.workspace.bins
    half_x, half_y = bins.inner_size_m[0] / 2, bins.inner_size_m[1] / 2
    for name in CAMERAS:
        lens = cameras.lens(name)
        margin_u = (lens.width_px - 472) / 2 if name == "overhead" else 4
        margin_v = (lens.height_px - 472) / 2 if name == "overhead" else 4
        for which in Bin:
            for x in (-half_x, half_x):
                for y in (-half_y, half_y):
                    corner = bins.center_m(which) + np.array([x, y, 0.0])
                    u, v = cameras.pixel(name, corner)
                    assert margin_u < u < lens.width_px - margin_u, (name, which)
                    assert margin_v < v < lens.height_px - margin_v, (name, which)


def test_an_unknown_camera_is_refused(cameras: Cameras) -> None:
    with pytest.raises(UnknownObject, match="overhead, left, right"):
        cameras.image("back")
    with pytest.raises(UnknownObject, match="no camera 'left'"):
        lenses_of({"overhead": {"height_px": 1, "width_px": 1, "fov_y_rad": 1.0}})


def test_shadows_are_an_option(workcell: Workcell, lenses: tuple[Lens, ...]) -> None:
    with (
        Cameras(workcell, lenses, SimConfig()) as without,
        Cameras(workcell, lenses, SimConfig(shadows=True)) as with_them,
    ):
        assert not np.array_equal(without.image("left"), with_them.image("left"))
