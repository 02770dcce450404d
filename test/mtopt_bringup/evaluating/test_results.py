"""docs/results.md is what its data say, and data that are none are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtopt_bringup import cli
from mtopt_bringup.evaluating import results
from mtopt_core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]


def told(**values: Any) -> dict[str, Any]:
    return {
        "model": "mtopt/1", "scene": "standard", "grader": "truth", "complete": True,
        "tasks": {"lift-any": 0.8}, "intervals": {"lift-any": [0.71, 0.87]},
        "tried": {"lift-any": 100}, "mean": 0.8, "lift_any": 0.8, "worst": 0.8, **values,
    }  # fmt: skip


def test_the_page_is_up_to_date() -> None:
    folder = ROOT / "docs" / "results"
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert results.page(folder) == page, "run ./mtopt docs results --out docs/results.md"
    picture = folder / results.PLOT
    assert picture.read_text(encoding="utf-8") == results.picture(folder)


def test_scenes_have_their_places_and_what_was_not_measured_is_blank(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for name, values in (("a", {}), ("b", {"scene": "unseen-light", "low_data_mean": 0.25})):
        (folder / f"{name}.json").write_text(json.dumps(told(**values)))
    assert cli.main(["docs", "results", "--out", str(tmp_path / "results.md")]) == 0
    page = (tmp_path / "results.md").read_text()
    assert "| lift-any | 0.89 | 0.80 (0.71 to 0.87) |" in page
    assert "| place-any | 0.85 |  |" in page
    assert "| mtopt/1, unseen-light | 0.80 | 0.80 | 0.25 | 0.80 |" in page
    assert "mtopt/1</text>" in (folder / results.PLOT).read_text()


def test_comparisons_have_their_sections(tmp_path: Path) -> None:
    folder = tmp_path / "results" / results.COMPARED
    folder.mkdir(parents=True)
    share = {"share": 0.5, "low": 0.4, "high": 0.6, "right": 5, "tries": 10}
    variant = {
        "name": "multi", "text": "a head each", "episodes": 7, "tasks": {"lift-any": share},
        "mean": 0.5, "mean_interval": [0.4, 0.6], "by_seed": {"mean": {"1": 0.5}},
        "paper": {"lift-any": 0.7},
    }  # fmt: skip
    known = {
        "question": "heads", "title": "One head or many", "text": "Which is better?", "steps": 9,
        "source": "Fig. 10", "scene": "standard", "grader": "truth", "attempts": 10, "seeds": [1],
        "variants": [variant], "complete": True,
    }  # fmt: skip
    (folder / "heads.json").write_text(json.dumps(known))
    page = results.page(tmp_path / "results")
    assert "## The paper's questions\n\n### One head or many\n\nWhich is better?" in page
    assert "| lift-any | 0.50 (0.40 to 0.60) [0.70] |" in page
    (folder / "heads.json").write_text(json.dumps({**known, "complete": False}))
    with pytest.raises(ConfigError, match="must be finished: `mtopt compare`"):
        results.page(tmp_path / "results")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read"), ("[]", "model"), ('{"model": "m"}', "scene"),
     (json.dumps(told(complete=False)), "finished")],
)  # fmt: skip
def test_what_is_no_evaluation_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        results.page(tmp_path)
    assert str(tmp_path / "x.json") in str(caught.value)
