"""Writers killed outright at random moments: nothing lost, nothing counted that is not whole.

MTOPT_KILLS=100 makes it the full trial.
"""

from __future__ import annotations

import os
from pathlib import Path

from fakes.killed_writer import Judge

KILLS = int(os.environ.get("MTOPT_KILLS", "4"))


def test_whatever_moment_a_writer_is_killed_at_every_episode_is_accounted_for(
    tmp_path: Path,
) -> None:
    judge = Judge(tmp_path / "data", seed=2026)
    for _ in range(KILLS):
        judge.kill_one()
    tally = judge.finish()
    put_aside = tally.settled["recovered"] + tally.settled["quarantined"]
    assert tally.kills == KILLS and tally.closed > 0
    assert tally.begun == tally.closed + put_aside + tally.never_on_disk
