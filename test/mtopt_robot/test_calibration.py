import math

import numpy as np
import pytest
import yaml

from mtopt_core.errors import ConfigError
from mtopt_core.workspace import Bin
from mtopt_robot.calibration import CameraCalibration, calibration_hash
from mtopt_robot.errors import CalibrationInvalid, DescriptionInvalid

NAMES = ("overhead", "left", "right")


@pytest.fixture(scope="module")
def cameras(description, urdf_path):
    known = yaml.safe_load((urdf_path.parent / "cameras.yaml").read_text())
    return {
        name: CameraCalibration.of_description(
            description,
            name,
            known[name]["width_px"],
            known[name]["height_px"],
            known[name]["fov_y_rad"],
        )
        for name in NAMES
    }


def moved(camera, **changes):
    return CameraCalibration.from_mapping(camera.name, {**camera.to_mapping(), **changes}, "test")


def test_half_the_field_of_view_meets_the_upper_edge(description):
    camera = CameraCalibration.of_description(description, "left", 640, 480, 0.7)
    up = camera.T_base_camera @ np.array([0.0, -math.tan(0.35), 1.0, 1.0])
    assert camera.project(up[:3]) == pytest.approx((319.5, -0.5))


@pytest.mark.parametrize("name", NAMES)
def test_every_camera_sees_both_bins(cameras, workspace, name):
    camera = cameras[name]
    for which in Bin:
        u, v = camera.project(workspace.bins.center_m(which))
        assert 0 <= u < camera.width_px and 0 <= v < camera.height_px


def test_overhead_has_the_left_bin_on_its_own_side(cameras, workspace):
    """The camera looks back at the arm: the base's left is the right of its image."""
    left = cameras["overhead"].project(workspace.bins.center_m(Bin.LEFT))
    right = cameras["overhead"].project(workspace.bins.center_m(Bin.RIGHT))
    x_of_camera = cameras["overhead"].T_base_camera[:3, 0]
    assert (left[0] > right[0]) == (x_of_camera[1] > 0.0)
    assert left[1] == pytest.approx(right[1], abs=1e-6)


def test_right_and_down_in_the_image_are_x_and_y_of_the_optical_frame(cameras):
    camera = cameras["left"]
    middle = camera.T_base_camera @ np.array([0.0, 0.0, 1.0, 1.0])
    aside = camera.T_base_camera @ np.array([0.1, 0.2, 1.0, 1.0])
    u0, v0 = camera.project(middle[:3])
    u1, v1 = camera.project(aside[:3])
    assert (u0, v0) == pytest.approx(((camera.width_px - 1) / 2, (camera.height_px - 1) / 2))
    assert (u1 - u0, v1 - v0) == pytest.approx((0.1 * camera.K[0, 0], 0.2 * camera.K[1, 1]))


def test_a_point_behind_is_no_pixel(cameras):
    camera = cameras["overhead"]
    behind = camera.T_base_camera @ np.array([0.0, 0.0, -1.0, 1.0])
    with pytest.raises(CalibrationInvalid, match="overhead"):
        camera.project(behind[:3])


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_makes_the_same_calibration(cameras, name):
    again = moved(cameras[name])
    np.testing.assert_allclose(again.T_base_camera, cameras[name].T_base_camera, atol=1e-9)
    np.testing.assert_allclose(again.K, cameras[name].K)
    assert calibration_hash([again]) == calibration_hash([cameras[name]])


def test_the_hash_knows_no_order(cameras):
    assert calibration_hash(cameras.values()) == calibration_hash(reversed(cameras.values()))


@pytest.mark.parametrize(
    "change",
    [
        {"position_m": [0.1, 0.2, 0.3]},
        {"focal_px": [600.0, 601.0]},
        {"center_px": [300.0, 200.0]},
        {"distortion": [0.01, 0.0, 0.0, 0.0, 0.0]},
        {"width_px": 641},
        {"orientation_xyzw": [0.0, 1.0, 0.0, 0.0]},
    ],
)
def test_the_hash_knows_every_field(cameras, change):
    camera = cameras["left"]
    assert calibration_hash([moved(camera, **change)]) != calibration_hash([camera])


def test_the_hash_is_the_same_on_every_machine():
    assert calibration_hash([CameraCalibration.from_mapping("a", {}, "test")]) == "93c489f2cafd9148"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"focal": [1.0, 1.0]}, "no such field"),
        ({"focal_px": [0.0, 600.0]}, "at least 1 px"),
        ({"focal_px": 600.0}, "must be a list"),
        ({"width_px": 0}, "at least 1 and"),
        ({"position_m": [0.0, 0.0]}, "must have 3 items"),
    ],
)
def test_a_bad_file_is_refused_by_field(change, said):
    with pytest.raises(ConfigError, match=said):
        CameraCalibration.from_mapping("left", change, "cell1.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"orientation_xyzw": [1.0, 1.0, 0.0, 0.0]}, "length 1.4142"),
        ({"distortion": [0.0, 0.0]}, r"distortion \(5,\)"),
    ],
)
def test_an_impossible_camera_is_refused(change, said):
    with pytest.raises(CalibrationInvalid, match=said):
        CameraCalibration.from_mapping("left", change, "cell1.yaml")


@pytest.mark.parametrize("fov", [0.0, -1.0, 3.2, math.nan])
def test_an_impossible_lens_is_refused(description, fov):
    with pytest.raises(CalibrationInvalid, match="field of view of left"):
        CameraCalibration.of_description(description, "left", 640, 480, fov)


def test_a_camera_that_is_not_described_is_named(description):
    with pytest.raises(DescriptionInvalid, match="camera_top_optical_frame"):
        CameraCalibration.of_description(description, "top", 640, 480, 0.7)
