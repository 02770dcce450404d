"""Episode files as steps: the image each was decided on, what was sent, where the tool was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.replay_episodes import CAMERA_PX, scene, write_replay_episode
from mtopt_core.action import Action, ActionBounds, Gripper
from mtopt_core.encoding import decode_action
from mtopt_core.errors import MtoptError
from mtopt_core.geometry import pose_tool_down
from mtopt_core.observation import Observation
from mtopt_core.purpose import Purpose
from mtopt_data.errors import EpisodeDamaged
from mtopt_data.reader import EpisodeReader
from mtopt_learner.errors import EpisodeUnfit
from mtopt_learner.replay.decoding import replayed
from mtopt_learner.replay.view import View
from mtopt_robot.models.image import prepare, state_of
from mtopt_robot.recorded_camera import recorded_camera

BOUNDS = ActionBounds()
VIEW = View(CAMERA_PX, (40, 40), (40, 40), 4)


def test_every_step_comes_with_what_it_was_decided_on(tmp_path: Path) -> None:
    path = write_replay_episode(tmp_path, number=2, steps=4, success={"lift-any": True, "b": False})
    found = replayed(path, VIEW, BOUNDS)
    assert found.images.shape == (4, 48, 48, 3)
    for index in range(4):
        wanted = scene(200 + index)[:, 8:56].astype(int)
        assert np.abs(found.images[index] - wanted).mean() < 2.0
    assert found.states[:, 0].tolist() == [0, 1, 0, 1]
    assert found.states[:, 1] == pytest.approx([0.0, 0.1, 0.2, 0.3], abs=1e-6)
    assert found.tool[:, 0] == pytest.approx([0.5, 0.52, 0.54, 0.56], abs=1e-6)
    assert (found.task, found.end_reason, found.grader) == ("lift-any", "terminated", "truth")
    assert found.success == {"lift-any": True, "b": False}


def test_actions_are_those_that_were_sent(tmp_path: Path) -> None:
    found = replayed(write_replay_episode(tmp_path, steps=3), VIEW, BOUNDS)
    action = decode_action(found.actions[1], BOUNDS)
    assert action.delta_m == pytest.approx((0.01, 0.0, -0.03), abs=1e-6)
    assert action.gripper == Gripper.CLOSE and not action.terminate
    assert decode_action(found.actions[2], BOUNDS).terminate


def test_a_cut_at_the_tool_is_what_a_cell_serves(tmp_path: Path) -> None:
    """The camera looks down from 1 m at x = 0.5; the tool is at y = 0.1, 0.3 m up."""
    view = View(CAMERA_PX, size_px=(16, 16), margin_px=0, at="tool", m_per_px=0.02)
    path = write_replay_episode(tmp_path, steps=2)
    found = replayed(path, view, BOUNDS)
    with EpisodeReader(path) as reader:
        camera = recorded_camera(reader, reader.start.cell, "overhead")
    assert camera is not None
    for index in range(2):
        yaw = float(found.tool[index, 3])
        T = pose_tool_down(np.array([0.5 + 0.02 * index, 0.1, 0.3]), yaw)
        seen = Observation(scene(index), False, 0.1 * index, 0, T, camera.P_image_base)
        wanted = prepare(seen.image, view.image_format(), T, camera.P_image_base)
        assert np.abs(found.images[index] - wanted.astype(int)).mean() < 4.0
        assert found.states[index, 1:] == pytest.approx(
            state_of(seen, view.image_format())[1:], abs=1e-5
        )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"end_reason": "camera_fault"}, "camera_fault"),
        ({"success": {}}, "not graded"),
        ({"steps": 0}, "no step"),
        ({"lost": (1,)}, r"steps \[1\]"),
        ({"gripper": 7}, "gripper"),
        ({"purpose": Purpose.EVALUATION}, "kept for evaluation"),
        ({"purpose": Purpose.GATE}, "kept for gate"),
    ],
)
def test_what_nothing_can_be_learned_from_is_named(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    path = write_replay_episode(tmp_path, **values)
    with pytest.raises(MtoptError, match=said):
        replayed(path, VIEW, BOUNDS)


def test_a_file_under_another_name_is_not_taken_for_that_episode(tmp_path: Path) -> None:
    first, second = (write_replay_episode(tmp_path, number) for number in (1, 2))
    first.write_bytes(second.read_bytes())
    with pytest.raises(EpisodeUnfit, match="holds episode"):
        replayed(first, VIEW, BOUNDS)


def test_a_damaged_file_is_damaged(tmp_path: Path) -> None:
    path = write_replay_episode(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(EpisodeDamaged):
        replayed(path, VIEW, BOUNDS)


def test_more_than_the_bounds_counts_as_the_bounds(tmp_path: Path) -> None:
    tight = ActionBounds((0.02, 0.02, 0.02), 0.1)
    found = replayed(write_replay_episode(tmp_path), VIEW, tight)
    assert np.abs(found.actions[:, :3]).max() == pytest.approx(1.0)
    assert tight.clamp(Action((0.0, 0.0, -0.03))).delta_m[2] == -0.02
