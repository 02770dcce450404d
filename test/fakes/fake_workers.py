"""Workers of a run that need no simulation: good ones, and ones that end too soon."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.connection import Connection

from mtopt_data.naming import EpisodeId
from mtopt_sim.collecting.plan import Plan
from mtopt_sim.collecting.station import Done, Places
from mtopt_sim.collecting.worker import Block, Failed, Finished

Serve = Callable[[Connection, Places, Plan], None]


def make(line: Connection, places: Places, plan: Plan, episode: int, *, told: bool = True) -> None:
    path = EpisodeId(1_700_000_000_000 + episode, plan.wanted.cell, plan.token(episode)).path(
        places.data
    )
    assert not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    if told:
        line.send(Done(episode, str(path), "lift-any", True, "terminated", 1, 1.0, 1.0, 0.5))


def good(line: Connection, places: Places, plan: Plan) -> None:
    while isinstance(block := line.recv(), Block):
        for episode in block.missing:
            make(line, places, plan, episode)
        line.send(Finished(block.number))


def frail(line: Connection, places: Places, plan: Plan) -> None:
    """Ends behind one episode; the first episode of the second block is never told."""
    block = line.recv()
    if isinstance(block, Block):
        make(line, places, plan, block.missing[0], told=block.number != 1)
        os._exit(9)


def useless(line: Connection, places: Places, plan: Plan) -> None:
    line.recv()
    os._exit(9)


def failing(line: Connection, places: Places, plan: Plan) -> None:
    line.recv()
    line.send(Failed("DiskFull: no room"))
