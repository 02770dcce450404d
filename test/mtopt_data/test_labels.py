"""Files of labels: read as they were written, a wrong line by its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_data.errors import LabelsInvalid
from mtopt_data.labels import Label, read_labels, write_labels

HEAD = "outcome,cell,by,task,success\n"


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    labels = [
        Label("x", "cell1", "ada", "lift-any", True),
        Label("y", "cell2", "truth", "lift-milk", False),
    ]
    write_labels(tmp_path / "labels.csv", labels)
    assert read_labels(tmp_path / "labels.csv") == labels


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x,cell1,ada,lift-any,yes", "line 2: success = 'yes': must be 0 or 1"),
        ("x,cell1,,lift-any,1", "line 2: by is missing"),
        ("x,cell1,ada", "line 2: task is missing"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + line + "\n")
    with pytest.raises(LabelsInvalid, match=reason):
        read_labels(path)
