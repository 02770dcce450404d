"""A fleet while it runs: its processes, what its cells say, and whether it goes on.

`./mtopt up` shows one to a person; the soak and the bench of the fleet start the same one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mtopt_data import config_files
from mtopt_ros.cell_view import CellView
from mtopt_ros.fleet_feed import Feed

from ..errors import StartFailed
from ..paths import Paths
from ..plan import parameter_files, preflight, scenery
from ..plan.acting import with_models
from ..plan.arguments import Arguments
from ..plan.fleet import Fleet
from ..plan.graph import Process, graph, remembering
from ..plan.selection import starts
from ..processes import shared_memory, transport
from ..processes.claim import Claim
from ..processes.programs import Program, programs
from ..processes.standstill import Standstill
from ..processes.supervision import State, Supervisor
from ..processes.watch import Verdict, Watch
from .story import Story

_KEPT_RUNS = 20
_CLOCK = "/clock"


@dataclass(frozen=True)
class Prepared:
    """A start that has passed every check."""

    fleet: Fleet
    processes: tuple[Process, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the cells, in the fleet's order."""
        return tuple(dict.fromkeys(process.cell for process in self.processes if process.cell))

    @property
    def clocks(self) -> dict[str, str]:
        """The topic of each simulated cell's clock."""
        return {
            process.cell: dict(process.remappings).get(_CLOCK, _CLOCK)
            for process in self.processes
            if "mujoco" in process.parameters
        }


def prepare(arguments: Arguments, paths: Paths) -> Prepared:
    """Read and check everything, start nothing; raises MtoptError."""
    source = Path(arguments.fleet).expanduser() if arguments.fleet else paths.fleet
    fleet = scenery.staged(Fleet.load(source), arguments, paths)
    paths = scenery.with_tasks(paths, fleet)
    registry = config_files.tasks(paths.tasks)
    begun = starts(fleet, arguments, registry)
    arguments = with_models(arguments, paths, begun, registry.names)
    processes = graph(fleet, arguments, paths, registry)
    cells = [start.cell for start in begun]
    preflight.check(cells, processes, arguments, fleet.source)
    return Prepared(fleet, processes)


@dataclass
class Running:
    """Processes that a supervisor keeps, and what the cells say of themselves."""

    prepared: Prepared
    programs: Sequence[Program]
    supervisor: Supervisor
    folder: Path
    feed: Feed

    def __post_init__(self) -> None:
        self.story = Story.of(self.prepared.cells)
        self.watch, self._still = Watch(self.programs), Standstill(self.programs)
        self.states: Mapping[str, State] = {}

    @property
    def logs(self) -> Path:
        """Where every process has its log."""
        return self.folder / "logs"

    def look(self) -> tuple[Verdict, str]:
        """Whether the fleet goes on, and the process that failed; raises ManagerLost."""
        self.states = self.supervisor.states()
        return self.watch.look(self.states)

    def news(self) -> list[CellView]:
        """What the cells have said since the last call, and what the silent ones have not."""
        now_s = time.monotonic()
        said = [view for view in self.feed.news() if view.cell in self.story.cells]
        for view in said:
            self._still.heard(view, now_s)
        return said + self._still.silent(now_s)

    def end_what_stands_still(self) -> list[str]:
        """Processes that have said nothing for too long, ended so that they are started anew."""
        found = self._still.to_end(self.states, time.monotonic(), time.time())
        for name in found:
            self.supervisor.kill(name)
        return found


@contextmanager
def claimed(arguments: Arguments, paths: Paths) -> Iterator[Prepared]:
    """A start whose cells nobody else on this machine has, and its environment set; raises
    MtoptError for what prevents it."""
    prepared = prepare(arguments, paths)
    os.environ.update(transport.defaults(os.environ))
    claim = Claim(prepared.cells, os.environ)
    try:
        yield prepared
    finally:
        claim.release()


@contextmanager
def running(
    prepared: Prepared, paths: Paths, folder: Path, *, clocks: bool = False
) -> Iterator[Running]:
    """The fleet, from its start to its end; raises MtoptError. Logs go below `folder`.

    `clocks`: its feed can tell how much simulated time has passed.
    """
    shared_memory.sweep()
    senders = sum(process.sends_images for process in prepared.processes)
    profiles = transport.profiles(senders, paths, folder, os.environ)
    processes = remembering(prepared.processes, folder / "ledgers")
    written = parameter_files.write(processes, folder / "parameters")
    begun = programs(processes, written, folder / "logs", profiles)
    os.environ.update(profiles.environment(sends_images=False))
    with Supervisor(begun, folder, os.environ) as supervisor:
        feed = Feed(prepared.clocks if clocks else {})
        fleet = Running(prepared, begun, supervisor, folder, feed)
        fleet.feed.start()
        try:
            yield fleet
        finally:
            fleet.feed.stop()
    shared_memory.sweep()


def run_folder(root: Path) -> Path:
    """A fresh folder below root/run; old ones beyond a few go. Raises StartFailed."""
    return new_folder(root / "run", kept=_KEPT_RUNS)


def new_folder(runs: Path, kept: int | None = None) -> Path:
    """A fresh folder named by the time; all but the newest `kept` go. Raises StartFailed."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = runs / f"{stamp}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise StartFailed(f"{folder}: cannot be made: {error.strerror or error}") from None
    # Nothing here is a package to build.
    (runs / "COLCON_IGNORE").touch()
    if kept is not None:
        for old in sorted(path for path in runs.iterdir() if path.is_dir())[:-kept]:
            shutil.rmtree(old, ignore_errors=True)
    return folder
