"""The runner of a real cell killed outright again and again: the counts are exact all the same.

Long, so it is done by hand: MTOPT_KILLS=50 ./mtopt test test/system/test_killed_runner.py. In the
suite test/mtopt_ros/test_ledger.py ends a runner at every kind of moment.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from fakes.ros_session import Prober, until
from fakes.running_cell import START_S, RunningCell
from mtopt_data.catalog import contents
from mtopt_data.naming import finished_files, part_files, quarantined_files
from mtopt_data.verification import verify_folder
from mtopt_msgs.msg import CellStatus

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif("MTOPT_KILLS" not in os.environ, reason="MTOPT_KILLS says how often"),
]

KILLS = int(os.environ.get("MTOPT_KILLS", "0"))
LONGEST_S = 9.0
SEED = 12


def test_restarted_at_random_moments_it_collects_exactly_what_was_asked_for(
    prober: Prober, tmp_path: Path
) -> None:
    dice, cell = random.Random(SEED), RunningCell(tmp_path, prober)
    wanted = KILLS // 2 + 5
    cell.up("--episodes", str(wanted))
    counts = [0]
    try:
        cell.wait_until_up()
        for _ in range(KILLS):
            time.sleep(LONGEST_S * dice.random())
            if cell.status.state == CellStatus.DONE:
                break
            counts.append(cell.status.episodes)
            first = cell.send("runner", signal.SIGKILL)
            until(lambda first=first: cell.pid("runner") != first, "another runner", START_S)
        code = cell.wait(1200.0)
    finally:
        cell.end()
    assert code == 0
    assert counts == sorted(counts)  # never set back
    print(f"{len(counts) - 1} kills, {wanted} episodes, {len(quarantined_files(cell.data))} aside")
    finished = [path.stem for path in finished_files(cell.data)]
    aside = [path.name.partition(".")[0] for path in quarantined_files(cell.data)]
    assert cell.status.episodes == len(cell.ended(ordinary=True)) == wanted
    assert len({*finished, *aside}) == len(finished) + len(aside)  # none twice
    assert part_files(cell.data) == [] and verify_folder(cell.data).ok
    facts = contents.contents(cell.data)
    assert contents.agrees(facts) and facts["episodes"] == len(finished)
