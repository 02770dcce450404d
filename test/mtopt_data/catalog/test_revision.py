"""What people decide of finished episodes: discarded, or given another outcome."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.catalog import contents, journal, moving, query, table
from mtopt_data.catalog.labels import Labels
from mtopt_data.catalog.rebuild import catch_up, rebuild
from mtopt_data.catalog.revision import discard, relabel
from mtopt_data.errors import EpisodeMissing, LabelInvalid, NameInvalid
from mtopt_data.naming import finished_files, quarantined_files
from mtopt_data.recovery import read_reason

ASKED = "SELECT succeeded, success['lift-any'], relabelled FROM episodes"


def verdicts(data: Path) -> list[tuple[Any, ...]]:
    return query.ask(data, ASKED + " ORDER BY episode_id").rows


@pytest.mark.parametrize("folded", [True, False])
def test_a_discarded_episode_lies_in_quarantine_and_has_no_row(
    record: Any, data: Path, folded: bool
) -> None:
    kept, gone = record(), record()
    if folded:
        table.compact(data)
    digest = hashlib.sha256(gone.read_bytes()).hexdigest()
    aside = discard(data, gone.stem, "discarded by ada:\nthe\tcloth fell in")
    assert finished_files(data) == [kept] and quarantined_files(data) == [aside]
    assert hashlib.sha256(aside.read_bytes()).hexdigest() == digest
    assert "discarded by ada: the cloth fell in" in read_reason(aside)
    assert contents.agrees(contents.contents(data)) and len(verdicts(data)) == 1
    table.compact(data)
    assert len(verdicts(data)) == 1
    as_kept = (data / "catalog" / journal.TABLE).read_bytes()
    rebuild(data)
    assert (data / "catalog" / journal.TABLE).read_bytes() == as_kept


def test_one_that_kept_its_name_keeps_its_row(record: Any, data: Path) -> None:
    path = record()
    journal.append(data, [journal.gone(path.stem)])  # killed before it was moved
    assert verdicts(data) == []
    assert catch_up(data).rows == 1 and len(verdicts(data)) == 1


def test_an_episode_that_is_not_here_is_named(data: Path) -> None:
    data.mkdir()
    for wrong, error in (
        ("20260807T142530123Z_cell1_9f3a01bc", EpisodeMissing),
        ("x", NameInvalid),
    ):
        with pytest.raises(error):
            discard(data, wrong, "why")
        with pytest.raises(error):
            relabel(data, wrong, True, who="ada")


def test_a_label_changes_the_row_and_not_the_file(record: Any, data: Path) -> None:
    path, other = record(won=True), record(won=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert relabel(data, path.stem, False, who="ada", why="it fell at once") == "lift-any"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    rows = dict(zip(sorted([path.stem, other.stem]), verdicts(data), strict=True))
    assert rows == {path.stem: (False, False, "ada"), other.stem: (True, True, "")}
    before = verdicts(data)
    table.compact(data)
    compacted = (data / "catalog" / journal.TABLE).read_bytes()
    rebuild(data)  # which knows the labels as well
    assert (data / "catalog" / journal.TABLE).read_bytes() == compacted
    assert verdicts(data) == before
    said = Labels.read(data).success(path.stem, {"lift-any": True, "lift-can": False})
    assert said == {"lift-any": False, "lift-can": False}


def test_the_last_word_holds_and_another_task_may_be_meant(record: Any, data: Path) -> None:
    path = record(won=False)
    relabel(data, path.stem, True, who="ada")
    relabel(data, path.stem, True, who="bob", task="lift-can")
    relabel(data, path.stem, False, who="cleo")
    asked = "SELECT success['lift-any'], success['lift-can'], relabelled FROM episodes"
    assert query.ask(data, asked).rows == [(False, True, "bob, cleo")]


def test_a_label_of_nobody_or_of_an_ungraded_task_is_refused(record: Any, data: Path) -> None:
    path = record()
    with pytest.raises(LabelInvalid, match="has the name of whoever gave it"):
        relabel(data, path.stem, True, who=" ")
    with pytest.raises(LabelInvalid, match=r"'place-any'.*(lift-any, lift-can|lift-can, lift-any)"):
        relabel(data, path.stem, True, who="ada", task="place-any")
    assert not (data / "catalog" / "labels.txt").exists()


def test_a_moved_episode_can_be_relabelled_and_keeps_its_label(
    record: Any, data: Path, tmp_path: Path
) -> None:
    first, second = record(won=True), record(won=True)
    relabel(data, first.stem, False, who="ada")
    (tmp_path / "archive").mkdir()
    moving.move(data, str(tmp_path / "archive"), keep_days=0.0)
    relabel(data, second.stem, False, who="bob")
    assert sorted(verdicts(data)) == [(False, False, "ada"), (False, False, "bob")]
    rebuild(data, elsewhere=moving.moved_rows(moving.targets(data)))
    assert sorted(verdicts(data)) == [(False, False, "ada"), (False, False, "bob")]
    with pytest.raises(EpisodeMissing):
        discard(data, first.stem, "it is not here any more")


def test_a_line_that_was_cut_off_is_told(record: Any, data: Path) -> None:
    path = record()
    relabel(data, path.stem, False, who="ada")
    with (data / "catalog" / "labels.txt").open("a") as file:
        file.write("00000000 {half")
    read = Labels.read(data)
    assert len(read.damage) == 1 and read.success(path.stem, {}) == {"lift-any": False}
