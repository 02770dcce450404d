"""docs/parameters.md is what the code says."""

from __future__ import annotations

from pathlib import Path

from mtopt_bringup import reference
from mtopt_bringup.plan.arguments import Arguments
from mtopt_core.config import described
from mtopt_ros.parameters import leaves
from mtopt_ros.settings import SETTINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "parameters.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.page(), (
        "run ./mtopt docs parameters --out docs/parameters.md"
    )


def test_every_setting_has_a_row() -> None:
    page = reference.page()
    names = [leaf.name for settings in SETTINGS.values() for leaf in leaves(settings)]
    for name in [*names, *described(Arguments)]:
        assert f"| `{name}` |" in page
