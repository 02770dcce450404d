"""A model that is handed on: the same networks, and a card that tells what they do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtopt_robot.models.bundle import Expected, check_bundle
from mtopt_robot.models.errors import BundleExists, BundleRefused, ManifestInvalid
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.model_cli import FAULTY, OK, run
from mtopt_robot.models.shipping import ship

CONFIG = Path(__file__).resolve().parents[3] / "config"


@pytest.fixture
def measured(folder: Path, expected: Expected) -> dict[str, Any]:
    """What an evaluation of the bundle wrote."""
    return {
        "networks": check_bundle(folder, expected).manifest.networks, "model": "fake/1",
        "complete": True, "purpose": "evaluation", "scene": "standard", "grader": "truth",
        "tasks": {"lift-any": 0.9}, "intervals": {"lift-any": [0.83, 0.94]},
        "tried": {"lift-any": 100}, "mean": 0.9, "worst": 0.9,
    }  # fmt: skip


def test_the_networks_are_the_same_and_the_card_tells_figures(
    folder: Path, tmp_path: Path, expected: Expected, measured: dict[str, Any]
) -> None:
    made = ship(folder, tmp_path / "out", measured, "shipped", "7", {"commands": "mtopt learn"})
    assert made == tmp_path / "out" / "shipped" / "7"
    before, after = (check_bundle(each, expected).manifest for each in (folder, made))
    assert after.networks == before.networks and after.files == before.files
    assert after.evaluation == {**measured, "model": "shipped/7"}
    assert after.training == {**before.training, "commands": "mtopt learn"}
    card = (made / "MODEL_CARD.md").read_text()
    assert "| lift-any | 0.90 | 0.83 to 0.94 |" in card and "100 attempts a task" in card
    assert "- commands: mtopt learn" in card and "| *mean* | 0.90 | |" in card
    assert "Not measured." in (folder / "MODEL_CARD.md").read_text()
    with pytest.raises(BundleExists):
        ship(folder, tmp_path / "out", measured, "shipped", "7")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"networks": "another"}, "is of networks another"),
        ({"networks": ""}, "does not name"),
        ({"complete": False}, "not finished"),
        ({"purpose": "gate"}, "purpose = 'gate'"),
    ],
)
def test_figures_of_something_else_are_refused(
    folder: Path, tmp_path: Path, measured: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ManifestInvalid, match=said):
        ship(folder, tmp_path / "out", {**measured, **change})


def test_a_damaged_model_is_not_handed_on(
    folder: Path, tmp_path: Path, measured: dict[str, Any]
) -> None:
    (folder / "head.onnx").write_bytes(b"gone")
    with pytest.raises(BundleRefused, match="hash"):
        ship(folder, tmp_path / "out", measured)
    assert not (tmp_path / "out" / "fake").exists()


def test_networks_have_a_name_of_their_own(manifest: Manifest) -> None:
    one = replace(manifest, files={"a.onnx": "0" * 64, "golden.npz": "1" * 64})
    assert replace(one, name="other", training={"x": 1}).networks == one.networks
    golden = replace(one, files={**one.files, "golden.npz": "2" * 64})
    assert golden.networks == one.networks
    assert replace(one, files={"a.onnx": "3" * 64}).networks != one.networks


def test_the_command_reads_files(
    folder: Path, store_folder: Path, tmp_path: Path, measured: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def model(*words: str) -> int:
        return run(words, models=store_folder, config=CONFIG)

    file = tmp_path / "e.json"
    file.write_text(json.dumps(measured))
    words = ("ship", "fake/1", "--evaluation", str(file), "--to", str(tmp_path / "out"))
    assert model(*words, "--as", "mtopt/1", "--note", "data=100 episodes") == OK
    assert "mtopt/1 lies in" in capsys.readouterr().out
    assert model(*words, "--note", "no mark") == FAULTY
    file.write_text("{")
    assert model(*words) == FAULTY
    assert str(file) in capsys.readouterr().err
