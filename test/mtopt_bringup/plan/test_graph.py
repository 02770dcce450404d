"""The fleet as processes: laws that hold for every start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtopt_bringup.paths import Paths
from mtopt_bringup.plan import parameter_files
from mtopt_bringup.plan.fleet import HARDWARE
from mtopt_bringup.plan.graph import Process
from mtopt_core.config import from_mapping
from mtopt_core.errors import ConfigError
from mtopt_core.exploration import MixConfig, mix_of
from mtopt_ros.parameters import leaves, nested
from mtopt_ros.settings import SETTINGS

Start = Callable[..., tuple[Process, ...]]
STARTS: list[dict[str, str]] = [
    {},
    {"cells": "3"},
    {"cells": "3", "composed": "true"},
    {"cells": "3", "shared_policy": "true"},
    {"episodes": "2", "seed": "7", "speed": "3", "tasks": "lift-any,place-any"},
    *({"hardware": hardware} for hardware in HARDWARE),
]


def by_name(processes: tuple[Process, ...]) -> dict[str, Process]:
    return {process.name: process for process in processes}


def settings_of(parameters: dict[str, Any], node: str) -> Any:
    own = {name: value for name, value in parameters.items() if name != "use_sim_time"}
    return from_mapping(SETTINGS[node], nested(own), node)


@pytest.mark.parametrize("texts", STARTS)
def test_names_are_unique(start: Start, texts: dict[str, str]) -> None:
    processes = start(**texts)
    names = [f"{p.namespace}/{node}" for p in processes for node in p.parameters]
    assert len(set(names)) == len(names)
    assert len(by_name(processes)) == len(processes)


@pytest.mark.parametrize("texts", STARTS)
def test_every_parameter_is_a_valid_setting_of_its_node(
    start: Start, texts: dict[str, str]
) -> None:
    for process in start(**texts):
        for node, parameters in process.parameters.items():
            settings_of(parameters, node)
            assert isinstance(parameters["use_sim_time"], bool)


@pytest.mark.parametrize("texts", STARTS)
def test_every_file_that_a_node_is_told_exists(start: Start, texts: dict[str, str]) -> None:
    for process in start(**texts):
        for node, parameters in process.parameters.items():
            for leaf in leaves(SETTINGS[node]):
                if leaf.name.endswith("_file") and leaf.name != "calibration_file":
                    assert Path(parameters[leaf.name]).is_file(), (node, leaf.name)


def test_a_cell_is_its_nine_nodes_in_its_namespace(start: Start) -> None:
    processes = start()
    assert [process.executable for process in processes] == list(SETTINGS)
    assert {process.namespace for process in processes} == {"/cell1"}
    assert [process.node for process in processes] == list(SETTINGS)
    assert [process.name for process in processes if process.ends_fleet] == ["cell1.runner"]


@pytest.mark.parametrize("hardware", ["gazebo", "mock", "iiwa"])
def test_other_hardware_is_the_same_less_the_simulator(start: Start, hardware: str) -> None:
    names = [process.executable for process in start(hardware=hardware)]
    assert names == [name for name in SETTINGS if name != "mujoco"]


@pytest.mark.parametrize(
    ("hardware", "simulated"),
    [("mujoco", True), ("gazebo", True), ("mock", False), ("iiwa", False)],
)
def test_time_is_the_hardwares(start: Start, hardware: str, simulated: bool) -> None:
    for process in start(hardware=hardware):
        for parameters in process.parameters.values():
            assert parameters["use_sim_time"] is simulated


def test_composed_is_one_process_with_the_same_parameters(start: Start) -> None:
    alone, together = by_name(start(seed="3")), by_name(start(seed="3", composed="true"))
    assert list(together) == ["cell1.mujoco", "cell1.composed"]
    composed = together["cell1.composed"]
    assert composed.node == ""
    assert composed.ends_fleet
    for name, process in alone.items():
        if name != "cell1.mujoco":
            assert composed.parameters[process.node] == process.parameters[process.node]


def test_arguments_reach_the_nodes_that_they_mean(start: Start, tmp_path: Path) -> None:
    data, models = str(tmp_path / "d"), str(tmp_path)
    processes = by_name(
        start(
            {"name": "x", "robot_serial": "42", "operator": "me"},
            data=data,
            models=models,
            episodes="5",
            seed="9",
            speed="2",
            tasks="lift-any",
        )
    )
    runner = processes["x.runner"].parameters["runner"]
    assert (runner["episodes"], runner["seed"], runner["tasks"]) == (5, 9, ["lift-any"])
    assert runner["operator_name"] == "me"
    recorder = processes["x.recorder"].parameters["recorder"]
    assert (recorder["data"], recorder["robot_serial"]) == (data, "42")
    mujoco = processes["x.mujoco"].parameters["mujoco"]
    assert (mujoco["speed"], mujoco["seed"]) == (2.0, 9)
    assert processes["x.policy"].parameters["policy"]["models"] == models


def test_overrides_reach_their_node_alone(start: Start) -> None:
    nodes = {"runner": {"limits": {"max_steps": 7}}}
    processes = start({"name": "a", "nodes": nodes}, {"name": "b"})
    told = {p.name: p.parameters[p.node].get("limits.max_steps") for p in processes}
    assert {name for name, value in told.items() if value is not None} == {"a.runner"}


def test_a_cell_without_episodes_is_not_started(start: Start) -> None:
    processes = start({"name": "a"}, {"name": "b"}, {"name": "c"}, episodes="2")
    assert {process.cell for process in processes} == {"a", "b"}


def test_one_simulated_cell_is_everybodys_clock(start: Start) -> None:
    assert all(process.remappings == () for process in start())


def test_several_simulated_cells_keep_their_own_time(start: Start) -> None:
    for process in start(cells="2"):
        assert process.remappings == (("/clock", f"/{process.cell}/clock"),)


def test_a_shared_policy_is_one_server_for_all_cells(start: Start) -> None:
    apart, together = by_name(start(cells="2")), by_name(start(cells="2", shared_policy="true"))
    cells = ["cell1", "cell2"]
    gone = {f"{cell}.policy" for cell in cells}
    assert set(apart) - set(together) == gone
    assert set(together) - set(apart) == {"fleet.policy", "fleet.warden"}
    server = together["fleet.policy"]
    assert (server.namespace, server.cell, server.ends_fleet) == ("/fleet", "", False)
    assert server.parameters["policy"]["cells"] == cells
    assert not server.parameters["policy"]["use_sim_time"] and server.remappings == ()
    assert together["fleet.warden"].parameters["warden"]["nodes"] == ["policy"]
    for cell in cells:
        rules = dict(together[f"{cell}.runner"].remappings)
        assert rules["policy/select_action"] == "/fleet/policy/select_action"
        assert rules["/clock"] == f"/{cell}/clock"
        warden = settings_of(together[f"{cell}.warden"].parameters["warden"], "warden")
        assert "policy" not in warden.nodes and len(warden.nodes) == 6
        assert warden.needs == ("fleet/policy",)
    changed = {f"{cell}.{node}" for cell in cells for node in ("runner", "warden")}
    for name in set(apart) - gone - changed:
        assert together[name] == apart[name]


def test_a_shared_policy_keeps_the_mix_of_every_cell(start: Start) -> None:
    cells = [
        {"name": name, "nodes": {"policy": {"mix": mix, "inference": {"threads": 2}}}}
        for name, mix in {
            "a": {"scripted": 0.5},
            "b": {"scripted": 0.0, "on_policy": 1.0},
            "c": {"scripted": 0.5},
            "d": {"epsilon_greedy": 2.0, "epsilon": 0.1},
        }.items()
    ]
    told = by_name(start(*cells, shared_policy="true"))["fleet.policy"].parameters["policy"]
    server = settings_of(told, "policy")
    assert server.mix.scripted == 0.5 and server.inference.threads == 2
    mixes = {cell: mix_of(words, "") for cell, words in (m.split("=") for m in server.mixes)}
    assert mixes == {
        "b": MixConfig(0.0, 0.0, 1.0),
        "d": MixConfig(1.0, 2.0, 0.0, 0.1),
    }


def test_cells_that_share_a_policy_agree_on_all_else(start: Start) -> None:
    cells = [{"name": "a"}, {"name": "b", "nodes": {"policy": {"cem": {"samples": 32}}}}]
    with pytest.raises(ConfigError, match=r"b: nodes: policy: cem .*as in a"):
        start(*cells, shared_policy="true")


def test_composed_cells_may_share_a_policy(start: Start) -> None:
    made = by_name(start(seed="3", cells="1", shared_policy="true", composed="true"))
    assert list(made) == ["cell1.mujoco", "cell1.composed", "fleet.policy", "fleet.warden"]
    composed = made["cell1.composed"]
    assert "policy" not in composed.parameters
    assert composed.words == list(composed.parameters)
    assert composed.words[-1] == "warden"
    assert ("policy/select_action", "/fleet/policy/select_action") in composed.remappings
    assert composed.parameters["warden"]["needs"] == ["fleet/policy"]
    assert "policy" not in composed.parameters["warden"]["nodes"]
    assert made["cell1.mujoco"].words == []


def test_no_cell_is_called_what_all_share(start: Start) -> None:
    with pytest.raises(ConfigError, match="'fleet'"):
        start({"name": "fleet"})


@pytest.mark.parametrize("texts", STARTS)
def test_parameters_survive_their_file(start: Start, tmp_path: Path, texts: dict[str, str]) -> None:
    processes = start(**texts)
    for name, path in parameter_files.write(processes, tmp_path).items():
        process = by_name(processes)[name]
        read = yaml.safe_load(path.read_text())
        for node, parameters in process.parameters.items():
            got = read[f"{process.namespace}/{node}"]["ros__parameters"]
            assert got == parameters
            assert {k: type(v) for k, v in got.items()} == {
                k: type(v) for k, v in parameters.items()
            }
            assert settings_of(got, node) == settings_of(parameters, node)


def test_every_file_setting_has_a_file(paths: Paths) -> None:
    known = {*paths.node_files, "calibration_file"}
    for node, settings in SETTINGS.items():
        files = {leaf.name for leaf in leaves(settings) if leaf.name.endswith("_file")}
        assert files <= known, node
    assert all(path.is_file() for path in paths.node_files.values())
