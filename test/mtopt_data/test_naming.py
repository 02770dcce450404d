"""Names of episodes: they say who and when, sort by time, and can be read back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mtopt_data.errors import NameInvalid
from mtopt_data.naming import (
    EpisodeId,
    finished_files,
    id_of,
    part_files,
    quarantined_files,
)

WALL_NS = 1_786_112_730_123_456_789


def some_ids(count: int) -> list[EpisodeId]:
    rng = random.Random(7)
    cells = ("a", "cell1", "cell_1", "c__2_", "Left", "x" * 48)
    times = [0, 999, 1_000, 253_402_300_799_999]
    times += [rng.randrange(253_402_300_800_000) for _ in range(count)]
    return [EpisodeId(ms, rng.choice(cells), f"{rng.getrandbits(32):08x}") for ms in times]


def test_an_id_reads_as_time_cell_and_token() -> None:
    episode = EpisodeId(WALL_NS // 1_000_000, "cell_1", "9f3a01bc")
    assert str(episode) == "20260807T142530123Z_cell_1_9f3a01bc"
    assert episode.part(Path("d")) == Path(f"d/cell_1/2026-08-07/{episode}.mcap.part")


def test_ids_and_paths_read_back() -> None:
    for episode in some_ids(500):
        assert EpisodeId.parse(str(episode)) == episode
        assert id_of(episode.path(Path("data"))) == episode
        assert id_of(episode.part(Path("data"))) == episode


def test_ids_of_a_cell_sort_by_time() -> None:
    ids = [EpisodeId(each.opened_ms, "cell1", each.token) for each in some_ids(500)]
    assert sorted(map(str, ids)) == [str(each) for each in sorted(ids)]


def test_two_ids_of_one_instant_differ() -> None:
    assert len({str(EpisodeId.new("cell1", WALL_NS)) for _ in range(200)}) == 200


@pytest.mark.parametrize(
    "cell", ["", "1st", "a-b", "a/b", "..", "cell 1", "zelle\n", "quarantine", "x" * 49, "zähl"]
)
def test_cells_that_cannot_be_a_folder_and_a_namespace_are_refused(cell: str) -> None:
    with pytest.raises(NameInvalid, match="cell name"):
        EpisodeId.new(cell, WALL_NS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260807T142530123Z_cell1",
        "20260807T142530Z_cell1_9f3a01bc",
        "20261307T142530123Z_cell1_9f3a01bc",
        "20260807T142530123Z_cell1_9F3A01BC",
        "20260807T142530123Z__9f3a01bc",
        "../20260807T142530123Z_cell1_9f3a01bc",
    ],
)
def test_other_texts_are_no_ids(text: str) -> None:
    with pytest.raises(NameInvalid):
        EpisodeId.parse(text)


def test_a_time_before_1970_is_refused() -> None:
    with pytest.raises(NameInvalid, match="years 1970"):
        EpisodeId.new("cell1", -1)


def test_listings_keep_finished_unfinished_and_quarantined_apart(tmp_path: Path) -> None:
    ids = some_ids(3)
    for folder in {each.folder(tmp_path) for each in ids} | {tmp_path / "quarantine"}:
        folder.mkdir(parents=True, exist_ok=True)
    finished = [ids[0].path(tmp_path), ids[1].path(tmp_path)]
    for path in (*finished, ids[2].part(tmp_path), tmp_path / "quarantine" / "x.mcap"):
        path.write_bytes(b"")
    (tmp_path / "quarantine" / "y.mcap.part").write_bytes(b"")
    assert finished_files(tmp_path) == sorted(finished, key=lambda path: path.name)
    assert part_files(tmp_path) == [ids[2].part(tmp_path)]
    assert [path.name for path in quarantined_files(tmp_path)] == ["x.mcap", "y.mcap.part"]
