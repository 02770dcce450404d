"""The picture of a decision: a known value, searched, laid over the camera's view."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtopt_core.action import TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.cem import CemConfig, choose
from mtopt_core.encoding import encode_action
from mtopt_sim.pictures.search import CEM, PANEL_PX, Nearness, take

ROOT = Path(__file__).resolve().parents[3]
BOUNDS = ActionBounds()
TIP_M = np.array([0.5, 0.1, 0.3])
GOAL_M = TIP_M + np.array([0.06, -0.04, -0.08])
SCORE = Nearness(TIP_M, GOAL_M, BOUNDS)


def test_value_is_one_at_the_goal_and_falls_from_it() -> None:
    there = Action((0.06, -0.04, -0.08))
    near, far = Action((0.05, -0.04, -0.08)), Action((-0.06, 0.04, 0.0))
    rows = np.stack([encode_action(each, BOUNDS) for each in (there, near, far)])
    q = SCORE(rows)
    assert q[0] == pytest.approx(1.0)
    assert q[0] > q[1] > q[2] > 0.0


@pytest.mark.parametrize("command", [TERMINATE, Action(gripper=Gripper.CLOSE)])
def test_commands_reach_nothing(command: Action) -> None:
    assert SCORE(encode_action(command, BOUNDS)[np.newaxis])[0] < 0.1


def test_the_search_that_is_shown_finds_the_goal() -> None:
    config = CemConfig(rounds=5)
    choice = choose(SCORE, BOUNDS, config, np.random.default_rng(0))
    assert SCORE.reached(np.array([choice.action.delta_m]))[0] == pytest.approx(GOAL_M, abs=0.02)


def test_there_is_a_panel_for_each_round(tmp_path: Path) -> None:
    (path,) = take(ROOT, tmp_path / "new")
    image = cv2.imread(str(path))
    assert image.shape == (PANEL_PX, CEM.rounds * PANEL_PX, 3)
    panels = np.split(image, CEM.rounds, axis=1)
    assert not np.array_equal(panels[0], panels[1])
