"""The words after `./mtopt up`: `--episodes 3` and `episodes:=3` alike."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mtopt_core.config import described, field_types
from mtopt_core.errors import ConfigError

from ..spoken import SOURCE, split
from .arguments import Arguments, parse


def parse_words(words: Sequence[str]) -> Arguments:
    """The arguments that the words say; raises ConfigError."""
    # Taken out first: argparse would hand `--composed episodes:=3` to --composed.
    named = [word for word in words if ":=" in word and not word.startswith("-")]
    wanted = vars(_parser().parse_args([word for word in words if word not in named]))
    texts = split(named, Arguments)
    for name, said in wanted.items():
        if said is None:
            continue
        if name in texts or len(said) > 1:
            raise ConfigError(SOURCE, name, said[-1], "is given twice")
        texts[name] = said[0]
    return parse(texts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt up",
        description="Runs the cells of a fleet until Ctrl-C, or until the episodes asked for are "
        "collected. Every option may also be written name:=value, as for ros2 launch.",
    )
    types = field_types(Arguments)
    for name, known in described(Arguments).items():
        default = Arguments.__dataclass_fields__[name].default
        said = f"{known.text}" + (f" (default {default})" if default not in ("", 0, False) else "")
        if types[name] is bool:
            parser.add_argument(
                f"--{name}",
                action="append",
                nargs="?",
                const="true",
                metavar="true|false",
                help=said,
            )
        else:
            metavar = "|".join(str(c) for c in known.choices if c) or name.upper()
            parser.add_argument(f"--{name}", action="append", metavar=metavar, help=said)
    return parser
