"""The command that takes all pictures of the docs: `./mtopt picture [WHAT ...]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from mtopt_core.errors import MtoptError

from ..variation import sheet
from . import footage, portrait, search

_WHAT: dict[str, Callable[[Path, Path], list[Path]]] = {
    "cell": portrait.take,
    "cem": search.take,
    "episode": lambda root, out: [footage.save(footage.film(root), out / footage.NAME)],
    "variation": lambda root, out: [sheet.save(sheet.sheet(root), out)],
}


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="mtopt picture",
        description="Renders the docs' pictures: the cell and its cameras' views, an animation of "
        "an episode and of a reset, a decision by CEM, a sheet of looks.",
    )
    said = f"what to take, of {', '.join(_WHAT)} (default all)"
    parser.add_argument("what", nargs="*", metavar="WHAT", help=said)
    parser.add_argument("--root", type=Path, default=Path(), help="folder of urdf/ and config/")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="where they go")
    given = parser.parse_args(arguments)
    for name in given.what:
        if name not in _WHAT:
            parser.error(f"what = {name!r}: must be one of {', '.join(_WHAT)}")
    try:
        for name in given.what or _WHAT:
            written = _WHAT[name](given.root, given.out)
            sys.stdout.writelines(f"{path}\n" for path in written)
    except (MtoptError, OSError) as error:
        sys.stderr.write(f"mtopt picture: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
