"""Is every episode accounted for? What lies on the disk against the catalog and against what the
cell said."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from mtopt_data.catalog import query, rebuild
from mtopt_data.errors import DataError
from mtopt_data.naming import quarantined_files
from mtopt_data.recovery import recover_folder
from mtopt_data.verification import verify_folder

from .recovery import Ledger


@dataclass(frozen=True)
class Accounts:
    """Ids of episodes by where they are; `damaged` are words."""

    finished: Set[str]
    rows: tuple[str, ...]
    ordinary: int
    aside: Set[str]
    damaged: tuple[str, ...]
    left_over: tuple[str, ...]
    begun: Set[str]
    counted: int

    @property
    def lost(self) -> Set[str]:
        """Begun, and neither finished nor put aside."""
        return self.begun - self.finished - self.aside

    @property
    def twice(self) -> Set[str]:
        """Both finished and put aside, or with more than one row."""
        several = {name for name in self.rows if self.rows.count(name) > 1}
        return (self.finished & self.aside) | several

    def wrong(self, hidden: int) -> list[str]:
        """What does not add up. `hidden`: ends of a process that may each have kept one count
        from being told."""
        said = [f"{len(self.damaged)} files are damaged: {self.damaged[0]}"] if self.damaged else []
        for name, ids in (
            ("begun and nowhere to be found", self.lost),
            ("there twice", self.twice),
            ("finished and not in the catalog", self.finished - set(self.rows)),
            ("in the catalog and not on the disk", set(self.rows) - self.finished),
            ("left unfinished", set(self.left_over)),
        ):
            if ids:
                said.append(f"{len(ids)} {name}: {min(ids)}")
        if not 0 <= self.ordinary - self.counted <= hidden:
            said.append(
                f"the runner counted {self.counted}, on the disk are {self.ordinary}; the "
                f"difference may be 0 to {hidden}"
            )
        return said


def settle(data: Path, ledger: Ledger) -> Accounts:
    """Put in order what the end left, as the next start would, read every file, and add up."""
    recover_folder(data)
    try:
        rebuild.catch_up(data)
        rows = query.ask(data, "SELECT episode_id, ordinary FROM episodes").rows
    except DataError:
        rows = []  # told as files that are not in the catalog
    found = verify_folder(data)
    return Accounts(
        finished={file.path.name.partition(".")[0] for file in found.files},
        rows=tuple(str(row[0]) for row in rows),
        ordinary=sum(bool(row[1]) for row in rows),
        aside={path.name.partition(".")[0] for path in quarantined_files(data)},
        damaged=tuple(f"{f.path.name}: {'; '.join(f.damage)}" for f in found.files if f.damage),
        left_over=tuple(path.name for path in (*found.leftovers, *found.being_written)),
        begun=set(ledger.begun_s),
        counted=ledger.counted,
    )
