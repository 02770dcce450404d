"""The command line: `./mtopt COMMAND ...`. What a command needs is imported when it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

USAGE = 2
INTERRUPTED = 130

_COMMANDS = {
    "up": "run the cells of a fleet and collect episodes",
    "cell": "speak to a running cell: status, pause, resume, stop, discard, relabel",
    "view": "let Foxglove look at the cells that run",
    "soak": "run a cell for hours while something breaks all the time, and judge it",
    "collect": "collect episodes of simulated cells at full speed, without ROS",
    "learn": "learn a policy from recorded episodes, or a success detector: learn detector",
    "add-task": "a new task: into the registry, and old episodes labelled for it",
    "eval": "what a policy is worth in scenes kept for it, or a success detector: eval detector",
    "compare": "one of the paper's questions, asked of recorded episodes",
    "log": "look into recorded episodes: info, verify, recover",
    "data": "the catalog of episodes: sql, info, rebuild, upload",
    "model": "the model store: list, verify, promote, rollback, ship",
    "bench": "measure this machine at one of the fleet's jobs",
    "doctor": "what was found on this machine, and how to mend what is not right",
    "picture": "take the pictures and the animation that the docs show",
    "docs": "write the pages that are made from the code",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in _COMMANDS:
        return _help(words)
    from mtopt_core.errors import MtoptError

    try:
        return _RUN[words[0]](words[1:])
    except MtoptError as error:
        sys.stderr.write(f"mtopt {words[0]}: {error}\n")
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


def _help(words: list[str]) -> int:
    """The commands; 0 only if they were asked for."""
    lines = ["usage: mtopt COMMAND [ARGUMENT...]", ""]
    lines += [f"  {name:<10}{text}" for name, text in _COMMANDS.items()]
    lines += ["", "mtopt COMMAND --help tells more."]
    asked = not words or words[0] in ("help", "-h", "--help")
    out = sys.stdout if asked else sys.stderr
    if not asked:
        out.write(f"mtopt: unknown command {words[0]!r}\n")
    out.write("\n".join(lines) + "\n")
    return 0 if asked else USAGE


def _up(words: list[str]) -> int:
    from .stop import Stop

    # From here on Ctrl-C is noted: raised inside an import of compiled code it may be lost.
    with Stop() as stop:
        from . import paths
        from .operating import up
        from .plan import up_words

        return up.run(up_words.parse_words(words), paths.workspace_root(), stop)


def _cell(words: list[str]) -> int:
    import os

    from .operating import cell
    from .paths import Paths
    from .processes import transport

    os.environ.update(transport.bystander(Paths.installed(), os.environ))
    return cell.run(words)


def _view(words: list[str]) -> int:
    from .stop import Stop

    with Stop() as stop:
        from .operating import view

        return view.run(words, stop)


def _soak(words: list[str]) -> int:
    from .stop import Stop

    with Stop() as stop:
        from .soak import command

        return command.run(words, stop)


def _collect(words: list[str]) -> int:
    if words[:1] == ["outcomes"]:
        from .learning import collect_outcomes

        return collect_outcomes.run(words[1:])
    from .learning import collect

    return collect.run(words)


def _learn(words: list[str]) -> int:
    if words[:1] == ["detector"]:
        from .learning import learn_detector

        return learn_detector.run(words[1:])
    from .learning import learn

    return learn.run(words)


def _add_task(words: list[str]) -> int:
    from .learning import add_task

    return add_task.run(words)


def _eval(words: list[str]) -> int:
    if words[:1] == ["detector"]:
        from .learning import learn_detector

        return learn_detector.evaluate(words[1:])
    from .evaluating import command

    return command.run(words)


def _compare(words: list[str]) -> int:
    from .comparing import command

    return command.run(words)


def _log(words: list[str]) -> int:
    from mtopt_data import log_cli

    return log_cli.run(words)


def _data(words: list[str]) -> int:
    from mtopt_data import data_cli

    return data_cli.run(words)


def _model(words: list[str]) -> int:
    from mtopt_robot.models import model_cli

    from .paths import Paths, workspace_root

    return model_cli.run(words, workspace_root() / "models", Paths.installed().config)


def _bench(words: list[str]) -> int:
    from .bench import run

    return run(words)


def _doctor(words: list[str]) -> int:
    from . import doctor

    return doctor.run(words)


def _picture(words: list[str]) -> int:
    from mtopt_sim.pictures import command

    return command.main(words)


def _docs(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="mtopt docs", description="Pages made from the code.")
    parser.add_argument("page", choices=["parameters", "results"])
    parser.add_argument("--out", type=Path, help="file to write; otherwise it is printed")
    wanted = parser.parse_args(words)
    if wanted.page == "results":
        from .evaluating import results

        folder = wanted.out.with_suffix("") if wanted.out else Path("docs/results")
        text = results.page(folder)
        if wanted.out:
            _write(folder / results.PLOT, results.picture(folder))
    else:
        from . import reference

        text = reference.page()
    if wanted.out:
        _write(wanted.out, text)
    else:
        sys.stdout.write(text)
    return 0


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


_RUN: dict[str, Callable[[list[str]], int]] = {
    "up": _up,
    "cell": _cell,
    "view": _view,
    "soak": _soak,
    "collect": _collect,
    "learn": _learn,
    "add-task": _add_task,
    "eval": _eval,
    "compare": _compare,
    "log": _log,
    "data": _data,
    "model": _model,
    "bench": _bench,
    "doctor": _doctor,
    "picture": _picture,
    "docs": _docs,
}


if __name__ == "__main__":
    sys.exit(main())
