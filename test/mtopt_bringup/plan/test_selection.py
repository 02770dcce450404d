"""Which cells start, and what each is to collect."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_bringup.plan.arguments import Arguments, parse
from mtopt_bringup.plan.fleet import CellConfig, Fleet
from mtopt_bringup.plan.selection import starts
from mtopt_core.errors import ConfigError
from mtopt_core.tasks import TaskRegistry

Load = Callable[..., Fleet]
THREE = ({"name": "a"}, {"name": "b", "tasks": ["lift-can", "place-any"]}, {"name": "c"})


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ("", ["a", "b", "c"]),
        ("2", ["a", "b"]),
        ("c,a", ["a", "c"]),
        ("5", ["a", "b", "c", "cell1", "cell2"]),
    ],
)
def test_cells_by_number_or_name(
    load: Load, registry: TaskRegistry, cells: str, names: list[str]
) -> None:
    begun = starts(load(*THREE), parse({"cells": cells}), registry)
    assert [start.cell.name for start in begun] == names


def test_more_cells_never_take_a_name_that_is_taken(load: Load, registry: TaskRegistry) -> None:
    begun = starts(load({"name": "cell2"}), parse({"cells": "3"}), registry)
    assert [start.cell.name for start in begun] == ["cell2", "cell1", "cell3"]


def test_an_unknown_cell_is_named_with_the_known(load: Load, registry: TaskRegistry) -> None:
    with pytest.raises(ConfigError, match=r"cells = 'd': must be a number or among a, b, c"):
        starts(load(*THREE), parse({"cells": "a,d"}), registry)


def test_real_cells_are_not_made_up(load: Load, registry: TaskRegistry) -> None:
    fleet = load({"name": "a", "hardware": "iiwa"})
    with pytest.raises(ConfigError, match="cells = 2: at most 1"):
        starts(fleet, parse({"cells": "2"}), registry)
    assert len(starts(fleet, parse({"cells": "2", "hardware": "mujoco"}), registry)) == 2


@given(total=st.integers(0, 40), count=st.integers(1, 9))
def test_episodes_are_shared_out_without_loss(
    registry: TaskRegistry, total: int, count: int
) -> None:
    fleet = Fleet(tuple(CellConfig(name=f"c{i}") for i in range(count)), "f")
    begun = starts(fleet, Arguments(episodes=total), registry)
    shares = [start.episodes for start in begun]
    if total == 0:
        assert shares == [0] * count
    else:
        assert sum(shares) == total
        assert shares == sorted(shares, reverse=True)
        assert 0 < max(shares) - min(shares) + 1 <= 2
        assert all(shares)


@given(seed=st.integers(0, 2**31 - 1))
def test_every_cell_has_its_own_seed_in_range(registry: TaskRegistry, seed: int) -> None:
    fleet = Fleet(tuple(CellConfig(name=f"c{i}") for i in range(4)), "f")
    seeds = [start.seed for start in starts(fleet, Arguments(seed=seed), registry)]
    if seed == 0:
        assert seeds == [0] * 4
    else:
        assert len(set(seeds)) == 4
        assert all(1 <= one < 2**31 for one in seeds)


def test_tasks_asked_for_are_kept_to_what_a_cell_may(load: Load, registry: TaskRegistry) -> None:
    begun = starts(load(*THREE), parse({"tasks": "lift-can,lift-box"}), registry)
    assert [start.tasks for start in begun] == [
        ("lift-box", "lift-can"),
        ("lift-can",),
        ("lift-box", "lift-can"),
    ]


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ("lift-moon", "tasks = 'lift-moon': must be among lift-any"),
        ("lift-box", "tasks = 'lift-box': b may run only lift-can, place-any"),
        ("place-any", "at least one allowed task must be a lift"),
    ],
)
def test_tasks_that_cannot_be(load: Load, registry: TaskRegistry, tasks: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        starts(load(*THREE), parse({"tasks": tasks}), registry)


def test_a_simulator_brings_its_own_cameras(load: Load, registry: TaskRegistry) -> None:
    cameras = {"source": "v4l2", "overhead": "/dev/a", "left": "/dev/b", "right": "/dev/c"}
    fleet = load({"name": "a", "hardware": "iiwa", "cameras": cameras})
    (moved,) = starts(fleet, parse({"hardware": "mujoco"}), registry)
    (mock,) = starts(fleet, parse({"hardware": "mock"}), registry)
    assert (moved.cell.hardware, moved.cell.cameras.source) == ("mujoco", "topic")
    assert (mock.cell.hardware, mock.cell.cameras.overhead) == ("mock", "/dev/a")


def test_only_mujoco_changes_pace(load: Load, registry: TaskRegistry) -> None:
    fleet = load({"name": "a"}, {"name": "b", "hardware": "gazebo"})
    with pytest.raises(ConfigError, match=r"speed = 2.0: must be 1: b runs on gazebo"):
        starts(fleet, parse({"speed": "2"}), registry)
