"""Proofs of the physics: grips, resets and blind scripts, tried many times from seeds.

`python -m mtopt_sim.proof --root ROOT grasps|resets|scripts` prints how often each went right,
with 95% intervals. The tests run a few tries of each.
"""

from __future__ import annotations

from pathlib import Path

from . import grasps, resets, scripts
from .share import Proof

PROOFS = {"grasps": grasps.prove, "resets": resets.prove, "scripts": scripts.prove}

__all__ = ["PROOFS", "Proof", "prove"]


def prove(name: str, root: Path, tries: int, seed: int = 0) -> Proof:
    """One of PROOFS by its name, with so many tries. Raises MtoptError."""
    return PROOFS[name](root, tries, seed)
