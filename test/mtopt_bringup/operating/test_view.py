"""The layout that Foxglove is given, and the words of `mtopt view`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtopt_bringup.operating import view
from mtopt_bringup.paths import Paths
from mtopt_bringup.stop import Stop
from mtopt_data.errors import NameInvalid


def test_the_layout_of_another_cell(tmp_path: Path, paths: Paths) -> None:
    target = tmp_path / "layout.json"
    assert view.run(["--layout", str(target), "--cells", "cell3"], Stop(), paths) == 0
    made, own = target.read_text(), (paths.config / view.LAYOUT).read_text()
    assert "/cell1/" in own
    assert "/cell1/" not in made
    assert made.count("/cell3/") == own.count("/cell1/")


def test_every_panel_is_placed_and_every_place_has_a_panel(paths: Paths) -> None:
    layout = json.loads((paths.config / view.LAYOUT).read_text())

    def placed(node: object) -> set[str]:
        if isinstance(node, dict):
            return placed(node["first"]) | placed(node["second"])
        return {str(node)}

    assert placed(layout["layout"]) == set(layout["configById"])


def test_a_name_that_no_cell_can_have_is_refused(paths: Paths) -> None:
    with pytest.raises(NameInvalid, match="cell 1"):
        view.run(["--cells", "cell 1"], Stop(), paths)
