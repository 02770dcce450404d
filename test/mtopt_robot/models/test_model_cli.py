"""`mtopt model` tells, checks, promotes and goes back; its exit code says how it went."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_episodes import write_episode
from fakes.fake_model import write_fake
from mtopt_core.uncertainty import Limits
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.model_cli import FAULTY, OK, USAGE, run

CONFIG = Path(__file__).resolve().parents[3] / "config"
Model = Callable[..., int]


@pytest.fixture
def model(store_folder: Path) -> Model:
    return lambda *words: run(words, models=store_folder, config=CONFIG)


@pytest.fixture
def versions(store_folder: Path, manifest: Manifest) -> list[Path]:
    return [write_fake(store_folder, replace(manifest, version=v)) for v in ("1", "2")]


def test_list_shows_what_serves(
    model: Model, versions: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("list") == OK
    assert capsys.readouterr().out == "fake/1  q\nfake/2  q  serves as the newest\n"
    assert model("promote", "fake/1") == OK
    assert capsys.readouterr().out == "fake/1 serves now\n"
    assert model("list") == OK
    assert capsys.readouterr().out == "fake/1  q  promoted\nfake/2  q\n"
    assert model("list", "--json") == OK
    facts = json.loads(capsys.readouterr().out)
    assert [fact["serves"] for fact in facts] == [True, False]


def test_verify_judges_all_or_the_named(
    model: Model, versions: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("verify") == OK
    assert capsys.readouterr().out == "fake/1: ok\nfake/2: ok\n"
    (versions[1] / "head.onnx").write_bytes(b"gone")
    assert model("verify") == FAULTY
    said = capsys.readouterr().out
    assert said.startswith("fake/1: ok\nfake/2: hash: head.onnx")
    assert model("verify", "fake/1") == OK
    assert model("verify", "fake", "--json") == FAULTY
    facts = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert [(fact["ok"], fact["law"]) for fact in facts] == [(True, ""), (False, "hash")]


def test_rollback_says_what_serves_then(
    model: Model, versions: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("promote", "fake/1") == model("promote", "fake/2") == OK
    capsys.readouterr()
    assert model("rollback", "fake") == OK
    assert capsys.readouterr().out == "fake/1 serves now\n"
    assert model("rollback", "fake") == FAULTY
    assert "nothing to go back to" in capsys.readouterr().err


def test_a_refused_model_is_not_promoted(
    model: Model, versions: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (versions[0] / "head.onnx").write_bytes(b"gone")
    assert model("promote", "fake/1") == FAULTY
    assert "refused (hash)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [(), ("sing",), ("promote",), ("promote", "fake"), ("promote", "fake/9"), ("rollback", "no"),
     ("verify", "no"), ("verify", "fake/9")],
)  # fmt: skip
def test_a_wrong_command_or_name_is_a_usage_error(
    model: Model, versions: list[Path], words: tuple[str, ...]
) -> None:
    assert model(*words) == USAGE


def test_no_store_and_no_config_are_named(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("list") == USAGE
    assert "no such model store" in capsys.readouterr().err
    assert model("list", "--config", str(tmp_path)) == FAULTY
    assert "actions.yaml" in capsys.readouterr().err


def test_an_empty_store_is_no_fault(
    model: Model, store_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_folder.mkdir()
    assert model("list") == OK
    assert "holds no model" in capsys.readouterr().out


def test_calibrate_makes_a_version_that_knows_where_it_is_at_home(
    model: Model, versions: list[Path], tmp_path: Path, store_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    rng = np.random.default_rng(0)
    for folder in ("seen", "held_out"):
        for number in range(4):
            shades = rng.integers(90, 160, size=(8, 1, 1, 3))
            images = [np.broadcast_to(s, (8, 10, 3)).astype(np.uint8) for s in shades]
            write_episode(tmp_path / folder, images, number)
    words = ("--training", str(tmp_path / "seen"), "--held-out", str(tmp_path / "held_out"))
    assert model("calibrate", "fake/2", *words, "--as", "3", "--json") == OK
    facts = json.loads(capsys.readouterr().out)
    assert facts["model"] == "fake/3" and facts["decisions"] == 32 and facts["percentile"] == 95.0
    assert 0.5 < facts["novelty"] < 5.0
    assert model("verify", "fake") == OK
    manifest = Manifest.from_text((store_folder / "fake/3/manifest.yaml").read_text(), "m")
    assert manifest.uncertainty == Limits(
        novelty=facts["novelty"], q_spread=facts["q_spread"], decisions=32
    )
    assert "novelty past" in (store_folder / "fake/3/MODEL_CARD.md").read_text()
    capsys.readouterr()
    assert model("calibrate", "fake/2", *words, "--as", "3") == FAULTY
    assert "already there" in capsys.readouterr().err
    few = (*words[:2], "--held-out", str(tmp_path / "none"), "--as", "4")
    assert model("calibrate", "fake/2", *few) == FAULTY
    assert "needs 20 decisions" in capsys.readouterr().err
