"""`mtopt collect outcomes`: which cells, and only those that are not there yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtopt_bringup import cli
from mtopt_bringup.learning import collect_outcomes
from mtopt_core.errors import ConfigError
from mtopt_data.errors import NameInvalid
from mtopt_data.labels import read_labels


def test_a_cell_whose_labels_are_there_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))  # the checkout's own files
    (tmp_path / "labels-train1.csv").write_text("kept")
    words = ["collect", "outcomes", "--cells=train1,train2", "--count=1", f"--out={tmp_path}"]
    assert cli.main([*words, "--variation=strong", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["made"]
    assert made["train1"] == 0 and made["train2"] >= 1
    assert (tmp_path / "labels-train1.csv").read_text() == "kept"
    labels = read_labels(tmp_path / "labels-train2.csv")
    assert {label.cell for label in labels} == {"train2"}
    assert len(list(tmp_path.glob("train2-*/right.jpg"))) == made["train2"]


def test_wrong_words_are_refused_before_anything_is_built() -> None:
    with pytest.raises(ConfigError, match="count = 0"):
        collect_outcomes.run(["--cells=a", "--count=0"])
    with pytest.raises(NameInvalid):
        collect_outcomes.run(["--cells=a b"])
