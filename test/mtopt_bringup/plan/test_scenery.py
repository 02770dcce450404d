"""Scenes of a fleet: who shows what, which tasks go with it, and what training is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtopt_bringup import cli
from mtopt_bringup.operating.running import prepare
from mtopt_bringup.paths import Paths
from mtopt_bringup.plan.arguments import parse
from mtopt_bringup.plan.fleet import Fleet
from mtopt_bringup.plan.graph import Process
from mtopt_bringup.plan.scenery import staged, with_tasks
from mtopt_core.errors import ConfigError, ReservedForEvaluation
from mtopt_sim.errors import UnknownScene

Load = Callable[..., Fleet]


def told(process: Process) -> dict[str, Any]:
    """What the process's only node is told."""
    (parameters,) = process.parameters.values()
    return parameters


@pytest.fixture
def prepared(paths: Paths, tmp_path: Path) -> Callable[..., dict[str, dict[str, Any]]]:
    """What every node of a start of a fleet file is told, by the process's name."""

    def make(fleet: str, **texts: str) -> dict[str, dict[str, Any]]:
        path = tmp_path / "own.yaml"
        path.write_text(fleet)
        given = {"fleet": str(path), "data": str(tmp_path / "data"), **texts}
        return {p.name: told(p) for p in prepare(parse(given), paths).processes}

    return make


def test_as_shipped_no_scene_is_shown_and_nothing_varied(paths: Paths) -> None:
    (cell,) = staged(Fleet.load(paths.fleet), parse({}), paths).cells
    assert (cell.scene, cell.variation, cell.prefixed) == ("", "off", False)
    assert with_tasks(paths, Fleet.load(paths.fleet)).tasks == paths.config / "tasks.yaml"


def test_arguments_go_before_the_file(load: Load, paths: Paths) -> None:
    fleet = load({"name": "a", "scene": "everyday"}, {"name": "b", "variation": "strong"})
    seen = [(c.scene, c.variation) for c in staged(fleet, parse({}), paths).cells]
    assert seen == [("everyday", "mild"), ("", "strong")]
    texts = {"scene": "plain", "variation": "own"}
    seen = [(c.scene, c.variation) for c in staged(fleet, parse(texts), paths).cells]
    assert seen == [("plain", "own")] * 2


def test_the_extended_tasks_are_one_word(prepared: Any, paths: Paths) -> None:
    nodes = prepared("cells: [{name: a}]", scene="extended", tasks="lift-cloth,cover-object")
    extended = str(paths.config / "tasks-extended.yaml")
    for name in ("policy", "success", "runner"):
        assert nodes[f"a.{name}"]["tasks_file"] == extended
    assert nodes["a.runner"]["tasks"] == ["lift-cloth", "cover-object"]
    assert nodes["a.mujoco"]["scene"] == nodes["a.recorder"]["scene"] == "extended"
    assert nodes["a.mujoco"]["variation"] == nodes["a.recorder"]["variation"] == "off"


def test_cells_may_differ_but_share_their_tasks(load: Load, paths: Paths, prepared: Any) -> None:
    nodes = prepared("cells: [{name: a, scene: everyday}, {name: b, variation: strong}]")
    assert (nodes["a.mujoco"]["scene"], nodes["a.mujoco"]["variation"]) == ("everyday", "mild")
    assert "scene" not in nodes["b.mujoco"] and nodes["b.mujoco"]["variation"] == "strong"
    fleet = load({"name": "a", "scene": "extended"}, {"name": "b"})
    with pytest.raises(ConfigError, match=r"extended: tasks-extended.yaml; none: tasks.yaml"):
        with_tasks(paths, fleet)


def test_a_scene_file_of_ones_own_brings_its_tasks(prepared: Any, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("scenes: [{name: kitchen, objects: [can], tasks: t.yaml}]")
    task = "{name: lift-any, skill: lift, text: t, success: {rule: lifted, category: any}}"
    (tmp_path / "t.yaml").write_text(f"tasks: [{task}]")
    own = "{name: a, scene: kitchen, nodes: {mujoco: {scenes_file: s.yaml}}}"
    nodes = prepared(f"cells: [{own}]")
    assert nodes["a.runner"]["tasks_file"] == str(tmp_path / "t.yaml")


@pytest.mark.parametrize("hardware", ["mujoco", "mock"])
def test_training_gets_nothing_that_is_reserved(load: Load, paths: Paths, hardware: str) -> None:
    fleet = load({"name": "a", "hardware": hardware})
    with pytest.raises(ReservedForEvaluation, match="'unseen-light' is kept for evaluation"):
        staged(fleet, parse({"scene": "unseen-light"}), paths)
    with pytest.raises(UnknownScene, match="everyday"):
        staged(fleet, parse({"scene": "moon"}), paths)


def test_a_reserved_scene_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "--scene", "standard", "--episodes", "1"]) == 2
    err = capsys.readouterr().err
    assert err == "mtopt up: scene 'standard' is kept for evaluation\n"


def test_only_a_simulation_is_varied(load: Load, paths: Paths) -> None:
    real = {"name": "a", "hardware": "iiwa", "scene": "everyday"}
    (cell,) = staged(load(real), parse({}), paths).cells
    assert (cell.scene, cell.variation) == ("everyday", "")  # what people have put into the bins
    with pytest.raises(ConfigError, match="variation = 'mild': must be empty: a runs on iiwa"):
        staged(load(real), parse({"variation": "mild"}), paths)
    with pytest.raises(ConfigError, match="variation = 'own': must be empty: a runs on iiwa"):
        staged(load(real | {"variation": "own"}), parse({}), paths)
    moved = load({"name": "a", "variation": "own"})
    (cell,) = staged(moved, parse({"hardware": "mock"}), paths).cells
    assert cell.variation == ""


def test_a_prefixed_cell_tells_its_nodes(prepared: Any) -> None:
    nodes = prepared("cells: [{name: a, prefixed: true}, {name: b}]")
    for name in ("mujoco", "camera", "arm", "bin"):
        assert nodes[f"a.{name}"]["joint_prefix"] == "a_"
        assert "joint_prefix" not in nodes[f"b.{name}"]
