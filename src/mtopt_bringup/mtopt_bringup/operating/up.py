"""`./mtopt up`: starts a fleet on this machine, shows how it fares, ends it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from mtopt_data.naming import finished_files

from ..errors import ManagerLost
from ..paths import Paths
from ..plan.arguments import Arguments
from ..processes.watch import Verdict
from ..stop import Stop
from .live import Places, View
from .running import Prepared, Running, claimed, run_folder, running
from .story import Story

ENDED, FAILED = 0, 1
_TICK_S = 0.1
_LOOK_S = 0.5
_TAIL_LINES = 15


def run(arguments: Arguments, root: Path, stop: Stop, paths: Paths | None = None) -> int:
    """Start, watch, end. 0: ended by itself; 1: a process failed; 128 + n: signal n.

    `stop` is entered already. Raises MtoptError for what prevents a start. The runs' logs go
    below `root`.
    """
    paths = paths or Paths.installed()
    with claimed(arguments, paths) as prepared:
        return _run(prepared, arguments, paths, run_folder(root), stop)


def _run(prepared: Prepared, arguments: Arguments, paths: Paths, folder: Path, stop: Stop) -> int:
    places = Places(arguments.data_folder, folder / "logs")
    story = Story.of(prepared.cells)
    before = _files(places.data, prepared.cells)
    logs = [places.logs / f"{process.name}.log" for process in prepared.processes]
    view = View(story, places, logs if arguments.verbose else None)
    with view:
        with running(prepared, paths, folder) as fleet:
            fleet.story = story
            verdict, failed = _follow(fleet, view, stop)
        view.refresh()
    _explain(failed, places.logs, view)
    view.summary(len(_files(places.data, prepared.cells) - before))
    if stop.asked:
        return stop.exit_code
    return FAILED if verdict is Verdict.FAILED else ENDED


def _follow(fleet: Running, view: View, stop: Stop) -> tuple[Verdict, str]:
    """Show how the fleet fares until it ends, fails, or is asked to end; who failed."""
    look_s = 0.0
    verdict, failed = Verdict.RUNNING, ""
    try:
        while verdict is Verdict.RUNNING and not stop.asked:
            if time.monotonic() >= look_s:
                look_s = time.monotonic() + _LOOK_S
                verdict, failed = fleet.look()
                for name in fleet.end_what_stands_still():
                    view.say(f"{name} stands still: it is ended and started anew")
            _tell(fleet, view)
            time.sleep(_TICK_S)
    except ManagerLost as error:
        view.say(str(error))
        return Verdict.FAILED, ""
    _tell(fleet, view)
    return verdict, failed


def _explain(failed: str, logs: Path, view: View) -> None:
    """What a process that would not run had to say."""
    if failed:
        log = logs / f"{failed}.log"
        view.say(f"{failed} keeps ending, so everything was stopped. The end of {log}:")
        for line in tail(log):
            view.say(f"    {line}")


def _tell(fleet: Running, view: View) -> None:
    for seen in fleet.news():
        view.tell(fleet.story.heard(seen))
    restarted = ", ".join(f"{name} ({n})" for name, n in fleet.watch.restarts().items())
    view.refresh(fleet.feed.error or (f"Started again: {restarted}" if restarted else ""))


def tail(log: Path, lines: int = _TAIL_LINES) -> list[str]:
    """The last lines of a log."""
    if not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-lines:]


def _files(data: Path, cells: Sequence[str]) -> set[Path]:
    return {path for cell in cells for path in finished_files(data / cell)}
