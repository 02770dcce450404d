"""Recorded steps come back as the questions that they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fakes.fake_episodes import S, write_episode
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.logged_steps import logged_decisions


def shades(*levels: int) -> list[np.ndarray]:
    return [np.full((8, 10, 3), level, dtype=np.uint8) for level in levels]


def test_each_step_comes_with_the_image_it_was_decided_on(
    tmp_path: Path, registry: TaskRegistry
) -> None:
    write_episode(tmp_path, shades(40, 120, 200), task="lift-can")
    asked = list(logged_decisions(tmp_path, registry))
    levels = [round(float(each.observation.image.mean())) for each in asked]
    assert np.allclose(levels, [40, 120, 200], atol=2)
    assert [each.observation.gripper_closed for each in asked] == [False, True, False]
    assert np.allclose([each.observation.gripper_height_m for each in asked], [0.0, 0.1, 0.2])
    assert [each.observation.stamp_ns for each in asked] == [(2 + k) * S + 7 for k in range(3)]
    assert all(each.task == registry["lift-can"] for each in asked)
    places = [each.observation.T_base_tool[:3, 3].tolist() for each in asked]
    assert np.allclose(places, [[0.5, 0.0, 0.2], [0.5, 0.1, 0.2], [0.5, 0.2, 0.2]])
    assert all(each.observation.P_image_base is None for each in asked)  # nobody wrote it down


def test_the_same_episodes_ask_with_the_same_dice(tmp_path: Path, registry: TaskRegistry) -> None:
    for number in range(2):
        write_episode(tmp_path, shades(40, 120), number)
    runs = [[each.rng.random() for each in logged_decisions(tmp_path, registry)] for _ in range(2)]
    assert runs[0] == runs[1] and len(set(runs[0])) == 4


def test_what_cannot_be_asked_again_is_left_out(tmp_path: Path, registry: TaskRegistry) -> None:
    write_episode(tmp_path, shades(40, 120, 200), 1, lost=(1,))
    write_episode(tmp_path, shades(90), 2, task="fold-towel")
    asked = list(logged_decisions(tmp_path, registry))
    assert [each.observation.stamp_ns // S for each in asked] == [2, 4]
