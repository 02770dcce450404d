"""Who acts in a fleet that was not told: a named model store, the shipped model, or the scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtopt_core.exploration import MixConfig
from mtopt_robot.models import sealing
from mtopt_robot.models.errors import ModelError
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.manifest import KIND_Q, manifest_from_text
from mtopt_robot.models.store import ModelStore

from ..paths import Paths
from .arguments import SCRIPTS, Arguments
from .selection import CellStart

LEARNING = MixConfig(scripted=0.0, epsilon_greedy=1.0, on_policy=1.0)
SHOWING = MixConfig(scripted=0.0, epsilon_greedy=0.0, on_policy=1.0)
_SIMULATED = "mujoco"


def with_models(
    arguments: Arguments, paths: Paths, begun: Sequence[CellStart], tasks: tuple[str, ...]
) -> Arguments:
    """The arguments with the store that serves; `models` is empty where the scripts act alone.

    The shipped model learned in simulated cells: it acts unasked in those alone, and only where it
    knows every task (`tasks` are those of a cell that has no list of its own).
    """
    if arguments.models == SCRIPTS:
        return replace(arguments, models="")
    if arguments.models or any(start.cell.hardware != _SIMULATED for start in begun):
        return arguments
    asked = {name for start in begun for name in (start.tasks or tasks)}
    if asked <= set(_shipped_tasks(paths.models)):
        return replace(arguments, models=str(paths.models))
    return arguments


def mix(arguments: Arguments, paths: Paths) -> MixConfig:
    """Who acts where a fleet file does not say: with a model that learns on, half of the episodes
    explore."""
    if not arguments.models:
        return MixConfig()
    return SHOWING if Path(arguments.models) == paths.models else LEARNING


def _shipped_tasks(store: Path) -> tuple[str, ...]:
    """What the shipped model knows; nothing where there is none, or none that can be read."""
    try:
        folder = ModelStore(store, Expected(None, ())).where(kind=KIND_Q)
        manifest = manifest_from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST)
    except ModelError:
        return ()
    return manifest.tasks
