"""Looks on a running cell: they change what they should, and off is off to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtopt_core.errors import NotReserved, ReservedForEvaluation
from mtopt_core.purpose import Purpose
from mtopt_core.workspace import Workspace
from mtopt_robot.description import RobotDescription
from mtopt_sim.cameras import Cameras
from mtopt_sim.config import SimConfig
from mtopt_sim.errors import TrajectoryRefused
from mtopt_sim.follower import TrajectoryPoints
from mtopt_sim.lens import Lens
from mtopt_sim.variation.config import GROUPS, ActuationRanges, Ranges
from mtopt_sim.variation.film import develop
from mtopt_sim.variation.identity import NOTHING, Variation
from mtopt_sim.variation.patterns import pattern
from mtopt_sim.variation.scenes import read_variation
from mtopt_sim.variation.variants import Shelf
from mtopt_sim.workcell import Workcell

STRONG = read_variation(Path(__file__).resolve().parents[3] / "config" / "variation.yaml").strong
SIZE = (60, 80)


class Maker:
    """Cells of two objects, quickly made."""

    def __init__(
        self, description: RobotDescription, workspace: Workspace, lenses: tuple[Lens, ...]
    ) -> None:
        self.description, self.workspace, self.lenses = description, workspace, lenses
        self.config = SimConfig(objects=("can", "box"))
        self._open: list[Cameras] = []

    def cell(self, variation: Variation = NOTHING) -> Workcell:
        return Workcell(self.description, self.workspace, self.config, self.lenses, variation)

    def image(self, cell: Workcell, camera: str = "overhead") -> np.ndarray:
        self._open.append(Cameras(cell, self.lenses, self.config))
        return self._open[-1].image(camera, SIZE).astype(float)

    def close(self) -> None:
        for cameras in self._open:
            cameras.close()


@pytest.fixture(scope="module")
def make(
    description: RobotDescription, workspace: Workspace, lenses: tuple[Lens, ...]
) -> Iterator[Maker]:
    maker = Maker(description, workspace, lenses)
    yield maker
    maker.close()


@pytest.fixture(scope="module")
def plain(make: Maker) -> Workcell:
    return make.cell()


def state(cell: Workcell) -> bytes:
    model, data = cell.model, cell.data
    known = (data.qpos, data.qvel, model.geom_rgba, model.geom_size, model.body_mass)
    known += (model.light_diffuse, model.geom_friction, model.actuator_gainprm, model.body_pos)
    return b"".join(array.tobytes() for array in known)


def test_off_is_off_to_the_bit(make: Maker, plain: Workcell) -> None:
    off = make.cell(Variation(Ranges(renewed=0.7), identity="cell9"))
    for cell in (plain, off):
        cell.restart(3)
        cell.vary(8)
    assert state(off) == state(plain)
    assert np.array_equal(make.image(off), make.image(plain))
    assert off.model.ntex == plain.model.ntex
    with Cameras(off, make.lenses, make.config) as cameras:
        assert np.array_equal(cameras.image("left", SIZE), cameras.view("left", *SIZE))


def test_the_same_cell_and_seed_give_the_same_bits(make: Maker) -> None:
    variation = Variation(STRONG, Shelf.TRAINING, "cell1")
    one, other = make.cell(variation), make.cell(variation)
    one.restart(9)
    one.advance(0.4)
    for cell in (one, other):
        cell.restart(4)
        cell.advance(0.4)
    assert state(one) == state(other)
    assert np.array_equal(make.image(one), make.image(other))


@pytest.mark.parametrize("group", [g for g in GROUPS if g not in ("physics", "actuation")])
def test_a_group_shows_in_the_image(make: Maker, plain: Workcell, group: str) -> None:
    plain.restart(0)
    varied = make.cell(Variation(STRONG.only((group,)), identity="cell1"))
    varied.data.qpos[:] = plain.data.qpos
    varied._steps = plain._steps
    varied.truth()
    away = np.abs(make.image(varied) - make.image(plain))
    assert away.max() > 20.0
    assert away.mean() > (0.02 if group == "objects" else 1.0)


def test_hidden_things_move_their_arrays(make: Maker, plain: Workcell) -> None:
    varied = make.cell(Variation(STRONG.only(("physics", "actuation")), identity="cell1"))
    for what in ("body_mass", "geom_friction", "actuator_gainprm", "body_inertia"):
        assert not np.array_equal(getattr(varied.model, what), getattr(plain.model, what)), what
    ratio = varied.model.geom_friction / plain.model.geom_friction
    most = STRONG.physics.friction
    assert ratio.min() >= 1.0 - most and ratio.max() <= 1.0 + most
    assert np.array_equal(varied.model.geom_rgba, plain.model.geom_rgba)


def test_looks_do_not_add_up(make: Maker) -> None:
    cell = make.cell(Variation(STRONG, identity="cell1"))
    cell.vary(1)
    first = state(cell)
    for seed in range(2, 30):
        cell.vary(seed)
    cell.vary(1)
    assert state(cell) == first


def test_a_moved_camera_sees_from_where_it_is(
    make: Maker, plain: Workcell, lenses: tuple[Lens, ...]
) -> None:
    varied = make.cell(Variation(STRONG.only(("camera",)), identity="cell1"))
    for number, lens in enumerate(lenses):
        here, was = (Cameras(c, lenses, make.config).pose(lens.name) for c in (varied, plain))
        shift = varied.wardrobe.look.camera_shift_m[number]
        assert here[:3, 3] - was[:3, 3] == pytest.approx(shift, abs=1e-9)
        turned = np.arccos((np.trace(here[:3, :3] @ was[:3, :3].T) - 1.0) / 2.0)
        turn = np.linalg.norm(varied.wardrobe.look.camera_turn_rad[number])
        assert turned == pytest.approx(turn, abs=1e-6)


# -- seeds --------------------------------------------------------------------------------------


def test_a_training_cell_never_takes_a_reserved_seed(plain: Workcell) -> None:
    for take in (plain.restart, plain.vary):
        with pytest.raises(ReservedForEvaluation):
            take(Purpose.EVALUATION.seed("scene", 1))


def test_an_evaluation_never_takes_a_seed_of_training(make: Maker) -> None:
    cell = make.cell(Variation(purpose=Purpose.EVALUATION))
    with pytest.raises(NotReserved):
        cell.restart(1)
    cell.restart(Purpose.EVALUATION.seed("scene", 1))


# -- delay ----------------------------------------------------------------------------------------


def ways(cell: Workcell) -> tuple[TrajectoryPoints, np.ndarray]:
    names = cell.joint_state().names[:7]
    goal = np.array(cell.workspace.home_q_rad) + 0.2
    return TrajectoryPoints(names, np.array([0.5]), goal[None]), goal


def test_a_delayed_controller_begins_later_and_gets_there(make: Maker) -> None:
    ranges = replace(Ranges(), actuation=ActuationRanges(delay_s=0.08))
    cell = make.cell(Variation(ranges, identity="cell1"))
    cell.restart(0)
    late_ns = cell.wardrobe.delay_ns
    assert 4_000_000 < late_ns <= 80_000_000
    points, goal = ways(cell)
    before = cell.commanded("arm")
    cell.follow("arm", points)
    cell.advance(late_ns * 1e-9 - 0.004)
    assert np.array_equal(cell.commanded("arm"), before)
    cell.finish()
    assert cell.commanded("arm") == pytest.approx(goal)
    assert cell.now_ns >= late_ns + 500_000_000


def test_a_stop_loses_what_is_under_way_and_laws_hold_at_once(make: Maker) -> None:
    ranges = replace(Ranges(), actuation=ActuationRanges(delay_s=0.08))
    cell = make.cell(Variation(ranges, identity="cell1"))
    cell.restart(0)
    points, goal = ways(cell)
    cell.follow("arm", points)
    cell.hold()
    cell.advance(1.0)
    assert np.abs(cell.commanded("arm") - goal).max() > 0.1
    with pytest.raises(TrajectoryRefused, match="lacks"):
        cell.follow("arm", replace(points, names=points.names[:6], q_rad=points.q_rad[:, :6]))


# -- film and patterns ----------------------------------------------------------------------------


def test_film_gains_and_noise_are_what_they_say() -> None:
    grey = np.full((200, 300, 3), 100, np.uint8)
    gains = np.array([1.2, 1.0, 0.5])
    assert develop(grey, gains, 0.0, 0)[0, 0].tolist() == [120, 100, 50]
    noisy = develop(grey, np.ones(3), 6.0, seed=5).astype(float)
    assert noisy.mean() == pytest.approx(100.0, abs=0.2)
    assert noisy.std() == pytest.approx(6.0, abs=0.3)
    assert np.array_equal(noisy, develop(grey, np.ones(3), 6.0, seed=5))
    assert not np.array_equal(noisy, develop(grey, np.ones(3), 6.0, seed=6))
    bright = develop(np.full((4, 4, 3), 250, np.uint8), np.full(3, 1.5), 9.0, 0)
    assert bright.min() > 200, "no overflow"


def test_patterns_stay_within_their_contrast() -> None:
    drawn = [pattern(np.random.default_rng(seed), 0.4) for seed in range(20)]
    assert all(p.min() >= 255 * 0.6 - 1 and p.max() == 255 for p in drawn)
    assert len({p.tobytes() for p in drawn}) == 20
