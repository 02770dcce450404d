"""`./mtopt doctor`: what was found on this machine, and how to mend what is not right."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mtopt_bringup.checkup import Finding, check_all


def lines(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """(mark, topic, text) a line; the way to mend follows what is not right."""
    shown: list[tuple[str, str, str]] = []
    for finding in findings:
        shown.append(("ok" if finding.ok else "missing", finding.topic, finding.text))
        if not finding.ok:
            shown.append(("", "", f"mend: {finding.mend}"))
    return shown


def show(findings: Sequence[Finding]) -> None:
    """Prints the check-up; without rich, which a bare machine lacks, in plain columns."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        for mark, topic, text in lines(findings):
            sys.stdout.write(f"{mark:<8} {topic:<14} {text}\n")
        return
    table = Table.grid(padding=(0, 2))
    for mark, topic, text in lines(findings):
        colour = {"ok": "green", "missing": "bold red", "": "yellow"}[mark]
        table.add_row(Text(mark, colour), topic, Text(text, colour if not mark else ""))
    Console().print(table)


def run(argv: Sequence[str]) -> int:
    """Checks this machine; 0 when nothing is missing, else 1."""
    parser = argparse.ArgumentParser(prog="mtopt doctor", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        help="folder that the episodes go to (default: data)",
    )
    findings = check_all(os.environ, parser.parse_args(argv).data)
    show(findings)
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
