"""`python -m mtopt_sim.proof [--root ROOT] [--tries N] [--seed S] [--json] NAME`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mtopt_core.errors import MtoptError

from . import PROOFS, prove
from .share import Proof


def main(words: Sequence[str] | None = None) -> int:
    """0 if the proof ran, 2 if it could not."""
    parser = argparse.ArgumentParser(prog="mtopt_sim.proof", description=__doc__)
    parser.add_argument("name", choices=sorted(PROOFS))
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="holds urdf/ and config/")
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(words)
    try:
        proof = prove(asked.name, asked.root, asked.tries, asked.seed)
    except MtoptError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write((json.dumps(proof.as_dict()) if asked.json else _table(proof)) + "\n")
    return 0


def _table(proof: Proof) -> str:
    rows = [f"{proof.name}: right of tries, share, 95% interval"]
    for name, share in proof.shares.items():
        low, high = share.interval
        count = f"{share.right} of {share.tries}"
        rows.append(f"  {name:12} {count:>14}  {share.value:7.1%}  {low:.1%} to {high:.1%}")
    return "\n".join([*rows, *(f"  - {failure}" for failure in proof.failures)])


if __name__ == "__main__":
    sys.exit(main())
