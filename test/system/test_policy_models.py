"""The models of a running policy server: swapped within an episode, refused without a trace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.ros_policies import OTHER, S, Server, add_model
from fakes.ros_session import Prober, Spinner, until
from fakes.spoilt_model import SPOILT
from mtopt_core.cell import EndReason
from mtopt_ros.health import Level

pytestmark = pytest.mark.system

ON_POLICY = {"scripted": 0.0, "on_policy": 1.0}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    add_model(tmp_path / "models", "1")
    return tmp_path / "models"


@pytest.fixture
def serve(spinner: Spinner, prober: Prober, store: Path) -> Callable[..., Server]:
    def served(**given: object) -> Server:
        options = {"models": str(store), "mix": ON_POLICY, "image_wait_s": 0.4, "watch_s": 0.0}
        return Server(spinner, prober, **(options | given))

    return served


def test_bad_models_are_refused_within_an_episode_while_the_old_one_decides_on(
    serve: Callable[..., Server], store: Path
) -> None:
    server = serve()
    server.show(2 * S)
    assert server.ask(step=0).model == "fake/1"
    for step, (name, (spoil, law)) in enumerate(SPOILT.items(), start=1):
        spoil(add_model(store, name))
        refused = server.load(name)
        assert not refused.ok and refused.model == "fake/1"
        assert f"({law})" in refused.error and name in refused.error
        server.show((2 + step) * S)
        answer = server.ask(step=step)
        assert (answer.ok, answer.source, answer.model) == (True, "policy", "fake/1")
        until(lambda name=name: name in server.told.message, "the refusal in the heartbeat")
        assert (server.told.level, server.told.fault) == (Level.WARN, "model_refused")
        assert "fake/1 goes on" in server.told.message
        shutil.rmtree(store / "fake" / name)
    assert server.load("9").error.startswith("ModelMissing")
    add_model(store, "2")
    assert server.load("2").ok
    server.show(20 * S)
    answer = server.ask(step=9)
    assert (answer.ok, answer.model) == (True, "fake/2")
    until(lambda: server.told.level == Level.OK, "the end of the refusal")
    assert server.values["model"] == "fake/2"


def test_a_store_that_changes_is_followed_within_an_episode(
    serve: Callable[..., Server], store: Path
) -> None:
    server = serve(watch_s=0.05)
    models, (spoil_numbers, _) = [], SPOILT["not_numbers"]
    for version, spoil in (("1", None), ("2", None), ("3", spoil_numbers), ("4", None)):
        if version != "1":
            unfinished = add_model(store.with_name("elsewhere"), version)
            if spoil is not None:
                spoil(unfinished)
            unfinished.rename(store / "fake" / version)
            good = spoil is None
            until(
                lambda good=good, version=version: (
                    server.values.get("model") == f"fake/{version}"
                    if good
                    else f"fake/{version}" in server.told.message
                ),
                "the node's word on the new version",
            )
        server.show(int(version) * S)
        models.append(server.ask(step=int(version) - 1).model)
    assert models == ["fake/1", "fake/2", "fake/2", "fake/4"]


def test_a_model_without_the_running_task_waits_for_the_episode_s_end(
    serve: Callable[..., Server], store: Path
) -> None:
    server = serve()
    server.show(2 * S)
    assert server.ask(step=0).model == "fake/1"
    add_model(store, "2", tasks=("lift-can", "place-any"))
    refused = server.load("2")
    assert not refused.ok and "does not serve task 'lift-any'" in refused.error
    assert server.ask(step=1).model == "fake/1"
    ended = server.ask(step=2, closed=True)  # a closed gripper makes the fake model end
    assert ended.action.terminate
    assert server.load("2").ok
    refused_task = server.ask(step=0, episode_id="next")
    assert refused_task.reason == EndReason.COMMAND_REFUSED
    assert "lift-any" in refused_task.error and "lift-can" in refused_task.error
    assert server.ask(step=0, episode_id="next", task="lift-can").model == "fake/2"


def test_a_bad_first_model_leaves_the_scripts_acting_and_is_told(
    serve: Callable[..., Server], store: Path
) -> None:
    (store / "fake" / "1" / "head.onnx").unlink()
    server = serve()
    server.show(2 * S)
    answer = server.ask(step=0)
    assert (answer.ok, answer.source, answer.model) == (True, "scripted", "")
    assert (server.told.level, server.told.fault) == (Level.WARN, "model_refused")
    assert "the scripted policies goes on" not in server.told.message
    assert "the scripted policies go on" in server.told.message
    add_model(store, "2")
    assert server.load("").ok
    assert server.ask(step=1).model == "fake/2"


def test_every_cell_has_its_own_mix(serve: Callable[..., Server]) -> None:
    server = serve(mix={"scripted": 1.0}, mixes=[f"{OTHER}=0,1,0,1"])
    sources = {}
    for cell in ("cell1", OTHER):
        server.show(2 * S, cell)
        answers = [server.ask(cell=cell, step=step) for step in range(3)]
        sources[cell] = {answer.source for answer in answers}
    assert sources == {"cell1": {"scripted"}, OTHER: {"epsilon"}}
