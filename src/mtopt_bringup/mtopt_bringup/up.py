"""`./mtopt up`: starts a fleet on this machine, shows how it fares, ends it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mtopt_data import config_files
from mtopt_data.naming import finished_files
from mtopt_ros.fleet_feed import Feed

from . import parameter_files, preflight, scenery, transport
from .arguments import Arguments
from .claim import Claim
from .errors import ManagerLost, StartFailed
from .fleet import Fleet
from .graph import Process, graph, remembering
from .live import Places, View
from .paths import Paths
from .programs import Program, programs
from .selection import starts
from .standstill import Standstill
from .stop import Stop
from .story import Story
from .supervision import Supervisor
from .watch import Verdict, Watch

ENDED, FAILED = 0, 1
_KEPT_RUNS = 20
_TICK_S = 0.1
_LOOK_S = 0.5
_TAIL_LINES = 15


@dataclass(frozen=True)
class Prepared:
    """A start that has passed every check."""

    fleet: Fleet
    processes: tuple[Process, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the cells, in the fleet's order."""
        return tuple(dict.fromkeys(process.cell for process in self.processes if process.cell))


def prepare(arguments: Arguments, paths: Paths) -> Prepared:
    """Read and check everything, start nothing; raises MtoptError."""
    source = Path(arguments.fleet).expanduser() if arguments.fleet else paths.fleet
    fleet = scenery.staged(Fleet.load(source), arguments, paths)
    paths = scenery.with_tasks(paths, fleet)
    registry = config_files.tasks(paths.tasks)
    processes = graph(fleet, arguments, paths, registry)
    cells = [start.cell for start in starts(fleet, arguments, registry)]
    preflight.check(cells, processes, arguments, fleet.source)
    return Prepared(fleet, processes)


def run(arguments: Arguments, root: Path, stop: Stop, paths: Paths | None = None) -> int:
    """Start, watch, end. 0: ended by itself; 1: a process failed; 128 + n: signal n.

    `stop` is entered already. Raises MtoptError for what prevents a start. The runs' logs go
    below `root`.
    """
    paths = paths or Paths.installed()
    prepared = prepare(arguments, paths)
    os.environ.update(transport.defaults(os.environ))
    claim = Claim(prepared.cells, os.environ)
    try:
        return _run(prepared, arguments, paths, _run_folder(root), stop)
    finally:
        claim.release()


def _run(prepared: Prepared, arguments: Arguments, paths: Paths, folder: Path, stop: Stop) -> int:
    senders = sum(process.sends_images for process in prepared.processes)
    profiles = transport.profiles(senders, paths, folder, os.environ)
    processes = remembering(prepared.processes, folder / "ledgers")
    written = parameter_files.write(processes, folder / "parameters")
    places = Places(arguments.data_folder, folder / "logs")
    begun = programs(processes, written, places.logs, profiles)
    os.environ.update(profiles.environment(sends_images=False))
    story = Story.of(prepared.cells)
    before = _files(places.data, prepared.cells)
    view = View(story, places, [program.log for program in begun] if arguments.verbose else None)
    feed = Feed()
    with view:
        with Supervisor(begun, folder, os.environ) as supervisor:
            feed.start()
            try:
                verdict, failed = _follow(begun, supervisor, feed, story, view, stop)
            except ManagerLost as error:
                verdict, failed = Verdict.FAILED, ""
                view.say(str(error))
            finally:
                feed.stop()
        view.refresh()
    _explain(failed, places.logs, view)
    view.summary(len(_files(places.data, prepared.cells) - before))
    if stop.asked:
        return stop.exit_code
    return FAILED if verdict is Verdict.FAILED else ENDED


def _follow(
    begun: Sequence[Program],
    supervisor: Supervisor,
    feed: Feed,
    story: Story,
    view: View,
    stop: Stop,
) -> tuple[Verdict, str]:
    """Show how the fleet fares until it ends, fails, or is asked to end; who failed."""
    watch, still = Watch(begun), Standstill(begun)
    look_s = 0.0
    verdict, failed = Verdict.RUNNING, ""
    while verdict is Verdict.RUNNING and not stop.asked:
        if time.monotonic() >= look_s:
            look_s = time.monotonic() + _LOOK_S
            states = supervisor.states()
            verdict, failed = watch.look(states)
            for name in still.to_end(states, time.monotonic(), time.time()):
                view.say(f"{name} stands still: it is ended and started anew")
                supervisor.kill(name)
        _tell(feed, story, view, watch, still)
        time.sleep(_TICK_S)
    _tell(feed, story, view, watch, still)
    return verdict, failed


def _explain(failed: str, logs: Path, view: View) -> None:
    """What a process that would not run had to say."""
    if failed:
        log = logs / f"{failed}.log"
        view.say(f"{failed} keeps ending, so everything was stopped. The end of {log}:")
        for line in tail(log):
            view.say(f"    {line}")


def _tell(feed: Feed, story: Story, view: View, watch: Watch, still: Standstill) -> None:
    now_s = time.monotonic()
    for seen in feed.news():
        if seen.cell in story.cells:
            still.heard(seen, now_s)
            view.tell(story.heard(seen))
    for silent in still.silent(now_s):
        view.tell(story.heard(silent))
    restarted = ", ".join(f"{name} ({n})" for name, n in watch.restarts().items())
    view.refresh(feed.error or (f"Started again: {restarted}" if restarted else ""))


def tail(log: Path, lines: int = _TAIL_LINES) -> list[str]:
    """The last lines of a log."""
    if not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-lines:]


def _files(data: Path, cells: Sequence[str]) -> set[Path]:
    return {path for cell in cells for path in finished_files(data / cell)}


def _run_folder(root: Path) -> Path:
    """A fresh folder below root/run; old ones beyond a few go."""
    runs = root / "run"
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = runs / f"{stamp}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise StartFailed(f"{folder}: cannot be made: {error.strerror or error}") from None
    # Nothing here is a package to build.
    (runs / "COLCON_IGNORE").touch()
    for old in sorted(path for path in runs.iterdir() if path.is_dir())[:-_KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    return folder
