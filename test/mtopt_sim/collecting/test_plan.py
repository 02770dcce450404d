"""Plans: every episode has its block, its seed and its name, and keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.exploration import MixConfig
from mtopt_data.catalog.journal import append
from mtopt_data.naming import EpisodeId
from mtopt_sim.collecting.errors import PlanInvalid
from mtopt_sim.collecting.plan import FOLDER, Plan, Wanted, open_plan


def lay(plan: Plan, data: Path, episode: int) -> Path:
    path = EpisodeId(1_700_000_000_000 + episode, plan.wanted.cell, plan.token(episode)).path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@given(st.integers(1, 5000), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_blocks_share_out_the_episodes(episodes: int, block: int, first: int) -> None:
    plan = Plan(Wanted(episodes), block, first)
    numbers = [n for b in plan.blocks for n in plan.episodes_of(b)]
    assert numbers == list(range(episodes))
    assert len({plan.token(n) for n in numbers}) == episodes


def test_a_run_is_named_by_its_scene_and_without_one_as_ever() -> None:
    names = {
        Wanted(9, scene=scene, variation=level, cell=cell).name
        for scene in ("", "plain", "everyday")
        for level in ("", "mild")
        for cell in ("sim", "a")
    }
    assert len(names) == 12
    assert Wanted(5).name == Wanted(9).name == "seed1-bc4bdce1"
    assert Wanted(9, guided=0.5).name not in {*names, Wanted(9, guided=0.6).name}


def test_seeds_differ_and_follow_from_the_runs_seed() -> None:
    plan, again = Plan(Wanted(9), 1, 5), Plan(Wanted(2000, seed=1), 7, 9)
    seeds = [again.seed(n) for n in range(2000)] + [again.block_seed(n) for n in range(100)]
    assert len(set(seeds)) == 2100 and all(0 <= seed < 2**62 for seed in seeds)
    assert plan.seed(3) == again.seed(3)
    assert plan.seed(3) != Plan(Wanted(9, seed=2), 1, 5).seed(3)


def test_a_run_goes_on_with_the_plan_that_it_began_with(tmp_path: Path) -> None:
    first = open_plan(tmp_path, Wanted(40))
    assert open_plan(tmp_path, Wanted(40)) == first
    more = open_plan(tmp_path, Wanted(400))
    assert (more.block, more.first_token) == (first.block, first.first_token)
    for other in (Wanted(40, seed=2), Wanted(40, tasks=("lift-any",)), Wanted(40, models="/m")):
        assert open_plan(tmp_path, other).first_token != first.first_token
    assert open_plan(tmp_path, Wanted(40, mix=MixConfig(0.5))) != first


def test_what_lies_there_is_done_and_nothing_else(tmp_path: Path) -> None:
    plan = open_plan(tmp_path, Wanted(6))
    assert plan.done(tmp_path) == set()
    for episode in (0, 4, 17):  # the last is of a longer run with this plan
        lay(plan, tmp_path, episode)
    lay(replace(plan, wanted=Wanted(6, cell="other")), tmp_path, 1)
    part = lay(plan, tmp_path, 2)
    part.rename(part.with_name(part.name + ".part"))
    assert plan.done(tmp_path) == {0, 4}


def test_another_run_in_the_folder_takes_other_names(tmp_path: Path) -> None:
    first = open_plan(tmp_path, Wanted(30))
    for episode in range(30):
        lay(first, tmp_path, episode)
    for seed in range(2, 30):
        assert open_plan(tmp_path, Wanted(30, seed=seed)).done(tmp_path) == set()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"block": 0, "first_token": 1}', "{"])
def test_a_plan_that_is_none_is_refused_by_its_file(tmp_path: Path, text: str) -> None:
    open_plan(tmp_path, Wanted(5))
    (path,) = (tmp_path / FOLDER).glob("*.json")
    path.write_text(text)
    with pytest.raises(PlanInvalid, match=path.name):
        open_plan(tmp_path, Wanted(5))


@pytest.mark.parametrize("episodes", [0, -1, 10**7])
def test_an_impossible_number_of_episodes_is_refused(tmp_path: Path, episodes: int) -> None:
    with pytest.raises(PlanInvalid, match=str(episodes)):
        open_plan(tmp_path, Wanted(episodes))


def test_what_was_moved_elsewhere_is_done_too(tmp_path: Path) -> None:
    plan = open_plan(tmp_path, Wanted(6))
    path = lay(plan, tmp_path, 3)
    gone, moved = lay(plan, tmp_path, 4), {"episode_id": path.stem, "path": f"s3://b/{path.name}"}
    append(tmp_path, [moved, {"episode_id": gone.stem, "path": str(gone.relative_to(tmp_path))}])
    path.unlink()
    gone.unlink()
    assert plan.done(tmp_path) == {3}
