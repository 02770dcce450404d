"""Distortions do what they say, pixel by pixel, and follow from their seed."""

from __future__ import annotations

import numpy as np

from mtopt_learner.detector.augment import (
    AugmentConfig,
    Distortion,
    brightened,
    cut,
    distorted,
    draw,
    shaded,
)


def noise(rows: int = 20, columns: int = 24) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def test_a_cut_is_the_part_in_the_middle_moved_by_whole_pixels() -> None:
    image = noise()
    assert np.array_equal(cut(image, (12, 16)), image[4:16, 4:20])
    assert np.array_equal(cut(image, (12, 16), shift_px=(-3, 2)), image[1:13, 6:22])
    beyond = cut(image, (12, 16), shift_px=(0, 6))
    assert np.array_equal(beyond[:, :14], image[4:16, 10:24])
    assert np.array_equal(beyond[:, 14], image[4:16, 23])


def test_a_quarter_turn_turns_about_the_middle() -> None:
    image = noise(16, 16)
    turned = cut(image, (16, 16), turn_rad=np.pi / 2)
    difference = np.abs(turned.astype(int) - np.rot90(image).astype(int))
    assert difference.max() <= 1 or np.array_equal(turned, np.rot90(image, -1))


def test_zoom_makes_things_larger() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[15:26, 15:26] = 255
    areas = [int((cut(image, (41, 41), zoom=zoom)[..., 0] > 127).sum()) for zoom in (0.5, 1.0, 2.0)]
    assert areas[1] == 121
    assert areas[0] < 40 and areas[2] > 400


def test_each_channel_is_brightened_by_its_own_gain_up_to_white() -> None:
    image = np.array([[[100, 100, 200], [0, 3, 255]]], np.uint8)
    assert brightened(image, (1.5, 0.5, 2.0)).tolist() == [[[150, 50, 255], [0, 2, 255]]]


def test_a_shadow_takes_light_inside_alone() -> None:
    image = np.full((10, 20, 3), 200, np.uint8)
    corners = np.array([[0.0, 0.0], [0.25, 0.0], [0.25, 1.1], [0.0, 1.1]])
    dark = shaded(image, corners, 0.5)
    assert (dark[:, :6] == 100).all() and (dark[:, 6:] == 200).all()
    assert (image == 200).all()


def test_nothing_is_done_where_nothing_is_asked() -> None:
    image, still = noise(), AugmentConfig(0.0, 0.0, 0.0, 0.0, 0, 0.0)
    how = draw(still, 0, np.random.default_rng(3))
    assert np.array_equal(distorted(image, how, (12, 16)), image[4:16, 4:20])


def test_the_same_seed_draws_the_same_within_the_bounds() -> None:
    config, image = AugmentConfig(), noise(40, 40)
    for seed in range(50):
        one, other = (draw(config, 5, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(distorted(image, one, (30, 30)), distorted(image, other, (30, 30)))
        assert max(map(abs, one.shift_px)) <= 5.0 and abs(one.turn_rad) <= config.turn_rad
        assert abs(one.zoom - 1.0) <= config.zoom and len(one.shadows) <= config.shadows
        assert all(1.0 - config.shadow <= left <= 1.0 for _, left in one.shadows)
        most = (1.0 + config.brightness) * (1.0 + config.colour)
        assert all(0.0 < gain <= most for gain in one.gain)
    assert one.shift_px != draw(config, 5, np.random.default_rng(0)).shift_px


def test_a_distortion_is_cut_then_light_then_shadow() -> None:
    image = np.full((6, 6, 3), 100, np.uint8)
    corners = np.array([[-1.0, -1.0], [2.0, -1.0], [2.0, 2.0], [-1.0, 2.0]])
    how = Distortion(gain=(2.0, 3.0, 1.0), shadows=((corners, 0.5),))
    # Light clips at white before the shadow falls.
    assert distorted(image, how, (2, 2))[0, 0].tolist() == [100, 128, 50]
