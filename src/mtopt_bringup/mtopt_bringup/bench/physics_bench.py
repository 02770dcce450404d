"""Bench `physics`: grips, resets and the paper's blind scripts, tried from seeds, without a clock.

Shares come with the ends of their 95% intervals. It takes about a quarter of an hour.
"""

from __future__ import annotations

from mtopt_bringup.paths import Paths
from mtopt_sim.proof import prove

from .report import Goal, Report

# A hundred tries of each of the nine objects would take an hour; seeds are never those of tests.
TRIES = {"grasps": 300, "resets": 200, "scripts": 600}
SEED = 10_000
# The paper's blind pick succeeds about 10% of the time and its place about 47%.
_GOALS = {
    "grasps_carried": Goal(at_least=0.99),
    "grasps_bad_slipped": Goal(at_least=0.75),
    "resets_right_bin": Goal(at_least=0.99),
    "resets_complete": Goal(at_least=0.99),
    "scripts_lift-any": Goal(at_least=0.05, at_most=0.15),
    "scripts_place-any": Goal(at_least=0.42, at_most=0.52),
    "scripts_faultless": Goal(at_least=0.99),
}


def measure() -> Report:
    """Every proof, with as many tries as are said above."""
    root = Paths.installed().config.parent
    figures: dict[str, float] = {}
    for name, tries in TRIES.items():
        for share_name, share in prove(name, root, tries, SEED).shares.items():
            figure = f"{name}_{share_name}"
            low, high = share.interval
            figures |= {figure: share.value, f"{figure}_low": low, f"{figure}_high": high}
            figures[f"{figure}_tries"] = share.tries
    return Report("physics", {name: round(value, 4) for name, value in figures.items()}, _GOALS)
