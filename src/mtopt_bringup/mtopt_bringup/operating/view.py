"""`./mtopt view`: lets Foxglove look at the cells that run, from any machine that may."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from mtopt_data.naming import check_cell

from ..errors import StartFailed
from ..paths import Paths
from ..processes import transport
from ..stop import Stop

LAYOUT = Path("foxglove") / "cell.json"
_PORT = 8765
_OF_CELL = re.compile(r"/cell1/")


def run(words: Sequence[str], stop: Stop, paths: Paths | None = None) -> int:
    """Show until a signal: 0. Raises StartFailed where the port is taken, DataError for a name
    that no cell can have."""
    wanted = _parser().parse_args(words)
    paths = paths or Paths.installed()
    cells = tuple(name for name in wanted.cells.split(",") if name)
    for cell in cells:
        check_cell(cell)
    if wanted.layout is not None:
        return _write_layout(wanted.layout, cells, paths)
    os.environ.update(transport.defaults(os.environ))
    os.environ.update(
        transport.profiles(0, paths, Path(), os.environ).environment(sends_images=False)
    )
    from mtopt_ros.showing import Showing  # it brings ROS, whose environment is set by now

    try:
        showing = Showing(wanted.host, wanted.port, cells)
    except OSError as error:
        raise StartFailed(str(error)) from None
    try:
        sys.stdout.write(_greeting(wanted.host, showing.port, paths))
        sys.stdout.flush()
        showing.run(lambda: stop.asked)
    finally:
        showing.close()
    return 0


def layout(text: str, cell: str) -> str:
    """The layout for a cell, of the text of that for cell1."""
    return _OF_CELL.sub(f"/{cell}/", text)


def _write_layout(path: Path, cells: Sequence[str], paths: Paths) -> int:
    text = (paths.config / LAYOUT).read_text(encoding="utf-8")
    text = layout(text, cells[0]) if cells else text
    json.loads(text)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartFailed(f"{path}: cannot be written: {error.strerror or error}") from None
    sys.stdout.write(f"{path}: import it in Foxglove (Layouts, Import from file)\n")
    return 0


def _greeting(host: str, port: int, paths: Paths) -> str:
    return (
        f"In Foxglove: Open connection, Foxglove WebSocket, ws://{_reached(host)}:{port}\n"
        f"Layout of a cell: {paths.config / LAYOUT}  (another cell's: --layout FILE --cells NAME)\n"
        "Ctrl-C ends this; the cells go on.\n"
    )


def _reached(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "0.0.0.0", "") else host


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt view",
        description="A WebSocket server for Foxglove (desktop or app.foxglove.dev) in front of the "
        "cells that run on this machine. Only what is looked at is listened to; it reads only.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: from other machines, too")
    parser.add_argument("--port", type=int, default=_PORT, help=f"default {_PORT}; 0: a free one")
    parser.add_argument("--cells", default="", help="names, with commas; default: all")
    parser.add_argument("--layout", type=Path, help="write the layout for the first of them, end")
    return parser
