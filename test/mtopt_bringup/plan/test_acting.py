"""Who acts in a fleet: what is named, else what is shipped where it may, else the scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_model import manifest_of, write_fake
from mtopt_bringup.paths import Paths
from mtopt_bringup.plan.acting import LEARNING, SHOWING, mix, with_models
from mtopt_bringup.plan.arguments import SCRIPTS, Arguments
from mtopt_bringup.plan.fleet import Fleet
from mtopt_bringup.plan.graph import graph
from mtopt_bringup.plan.selection import starts
from mtopt_core.action import ActionBounds
from mtopt_core.exploration import MixConfig
from mtopt_core.tasks import TaskRegistry


@pytest.fixture
def shipping(paths: Paths, tmp_path: Path, bounds: ActionBounds, registry: TaskRegistry) -> Paths:
    """The project with a model that knows all tasks but the last."""
    write_fake(tmp_path / "shipped", manifest_of(registry.names[:-1], bounds))
    return replace(paths, models=tmp_path / "shipped")


@pytest.fixture
def chosen(load: Callable[..., Fleet], registry: TaskRegistry) -> Callable[..., str]:
    """The store that a start of one cell ends up with."""

    def choose(paths: Paths, hardware: str = "mujoco", **values: str) -> str:
        arguments = Arguments(**values)
        begun = starts(load({"name": "a", "hardware": hardware}), arguments, registry)
        return with_models(arguments, paths, begun, registry.names).models

    return choose


def test_the_shipped_model_acts_where_it_may(
    shipping: Paths, paths: Paths, tmp_path: Path, chosen: Callable[..., str]
) -> None:
    assert chosen(shipping, tasks="lift-any,place-any") == str(shipping.models)
    assert chosen(shipping) == "", "it does not know every task"
    assert chosen(shipping, "mock", tasks="lift-any") == "", "it never saw a real cell"
    assert chosen(shipping, tasks="lift-any", models="mine") == "mine"
    assert chosen(shipping, tasks="lift-any", models=SCRIPTS) == ""
    assert chosen(replace(paths, models=tmp_path / "none"), tasks="lift-any") == ""


def test_what_cannot_be_read_is_not_chosen(shipping: Paths, chosen: Callable[..., str]) -> None:
    (shipping.models / "fake" / "1" / "manifest.yaml").write_text("kind: q\n")
    assert chosen(shipping, tasks="lift-any") == ""


def test_a_model_that_learns_on_explores_and_a_shipped_one_shows(
    shipping: Paths, load: Callable[..., Fleet], registry: TaskRegistry
) -> None:
    own = {"policy": {"mix": {"scripted": 0.5, "on_policy": 2.0}}}
    fleet = load({"name": "a"}, {"name": "b", "nodes": own})

    def told(models: str) -> list[dict[str, float]]:
        made = graph(fleet, Arguments(models=models), shipping, registry)
        policies = [p.parameters["policy"] for p in made if p.node == "policy"]
        return [{k: v for k, v in p.items() if k.startswith("mix.")} for p in policies]

    mine = {"mix.scripted": 0.5, "mix.on_policy": 2.0}
    assert told("") == [{}, mine]
    assert told("m") == [
        {"mix.scripted": 0.0, "mix.epsilon_greedy": 1.0, "mix.on_policy": 1.0}, mine,
    ]  # fmt: skip
    assert told(str(shipping.models)) == [{"mix.scripted": 0.0, "mix.on_policy": 1.0}, mine]
    assert mix(Arguments(), shipping) == MixConfig() != LEARNING != SHOWING


def test_cells_of_one_server_have_the_mix_that_each_means(
    shipping: Paths, load: Callable[..., Fleet], registry: TaskRegistry
) -> None:
    own = {"policy": {"mix": {"scripted": 1.0, "on_policy": 2.0}}}
    fleet = load({"name": "a", "nodes": own}, {"name": "b"})
    made = graph(fleet, Arguments(models="m", shared_policy=True), shipping, registry)
    (policy,) = [p.parameters["policy"] for p in made if p.node == "policy"]
    assert policy["mix.on_policy"] == 2.0 and policy["mixes"] == ["b=0.0,1.0,1.0,0.2"]
