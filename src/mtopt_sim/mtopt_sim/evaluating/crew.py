"""All cores at the attempts of one trial, each result told as it comes."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from mtopt_core.errors import MtoptError

from ..collecting.worker import end_with_parent, use_one_thread
from .errors import EvaluationFailed
from .journal import Result
from .stand import Rules, Stand
from .trial import Case, Trial

_TICK_S = 0.5  # between two looks whether to stop

_stand: Stand | str = "no worker of an evaluation"  # of this process, or why it has none


def evaluate(
    root: Path,
    trial: Trial,
    cases: Collection[Case],
    workers: int,
    tell: Callable[[Result], None],
    stopped: Callable[[], bool] = lambda: False,
    rules: Rules = Rules(),
) -> None:
    """Make attempts and `tell` of each, here, in no order; until all are made or `stopped`.

    Raises EvaluationFailed where workers are lost or an attempt cannot be made.
    """
    if not cases or stopped():
        return
    use_one_thread()
    pool = ProcessPoolExecutor(
        max_workers=min(workers, len(cases)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_open,
        initargs=(root, trial, rules),
    )
    try:
        waiting = {pool.submit(_make, case) for case in cases}
        while waiting and not stopped():
            done, waiting = wait(waiting, timeout=_TICK_S, return_when=FIRST_COMPLETED)
            for future in done:
                tell(future.result())
    except BrokenProcessPool as error:
        raise EvaluationFailed(f"a worker ended: {error}; the same command goes on") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _open(root: Path, trial: Trial, rules: Rules) -> None:
    """A worker's beginning. Ctrl-C is the parent's business, and its end is ours."""
    global _stand  # noqa: PLW0603 - a pool's worker has no other place to keep what it opened
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    logging.getLogger().setLevel(logging.ERROR)
    try:
        _stand = Stand(root, trial, rules)
    except MtoptError as error:  # raised here it would be lost: every case says it instead
        _stand = f"{type(error).__name__}: {error}"


def _make(case: Case) -> Result:
    if isinstance(_stand, str):
        raise EvaluationFailed(_stand)
    try:
        return _stand.make(case)
    except MtoptError as error:
        told = f"{case.task} {case.number}: {type(error).__name__}: {error}"
        raise EvaluationFailed(told) from error
