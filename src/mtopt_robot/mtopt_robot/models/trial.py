"""A Q-function's trial before it may serve: does it give the golden values, and always numbers?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from mtopt_core.action import ActionBounds, Gripper
from mtopt_core.encoding import Numbers, encode_actions, encode_state, state_layout
from mtopt_core.geometry import pose_tool_down

from .errors import GoldenInvalid, GraphInvalid, NotNumbers
from .golden import Golden
from .manifest import Manifest
from .q_function import QFunction

GOLDEN_TOLERANCE = 1e-3
_HEIGHTS_M = (0.0, 0.4)


def one_hot(tasks: tuple[str, ...], name: str) -> Numbers:
    """A task's code in a model's own task list, (T,). ValueError for a task not in it."""
    code = np.zeros(len(tasks), dtype=np.float32)
    code[tasks.index(name)] = 1.0
    return code


def value(
    q_function: QFunction, features: Numbers, state: Numbers, code: Numbers, actions: Numbers
) -> Numbers:
    """Values (N,) of one cell's actions (N, 8): features (1, ...), state (2,), code (T,)."""
    q: Numbers = q_function.score(
        features, state[np.newaxis], code[np.newaxis], actions[np.newaxis]
    )[0]
    return q


def try_extremes(
    q_function: QFunction,
    manifest: Manifest,
    tolerance: float = GOLDEN_TOLERANCE,
    tasks: tuple[str, ...] = (),
) -> None:
    """Values at the ends of every input: black and white images, all tasks, action corners.

    Tasks and gripper states take turns, since a run of every pair would take long. Only some
    `tasks` where they are named. Raises NotNumbers, and GraphInvalid where the value of
    an action depends on which others are asked for beside it.
    """
    actions = _corner_actions(manifest.bounds)
    pose = pose_tool_down(np.zeros(3), 0.0) if manifest.image.posed else None
    states = [encode_state(c, h, pose) for c, h in itertools.product((False, True), _HEIGHTS_M)]
    for brightness in (0, 255):
        image = np.full((*manifest.image.size_px, 3), brightness, dtype=np.uint8)
        features = q_function.features(image[np.newaxis])
        for task, state in _turns(tasks or manifest.tasks, states):
            code = one_hot(manifest.tasks, task)
            q = value(q_function, features, state, code, actions)
            _check_finite(q, f"{task}, image of {brightness}, state {state.tolist()}")
    alone = value(q_function, features, state, code, actions[:1])
    if abs(alone[0] - q[0]) > tolerance:
        raise GraphInvalid(f"an action alone is worth {alone[0]:g}, among others {q[0]:g}")


def _turns(tasks: tuple[str, ...], states: list[Numbers]) -> Iterator[tuple[str, Numbers]]:
    """Every task and every state, at least once."""
    for turn in range(max(len(tasks), len(states))):
        yield tasks[turn % len(tasks)], states[turn % len(states)]


def try_golden(q_function: QFunction, manifest: Manifest, golden: Golden) -> None:
    """The golden examples; raises GoldenInvalid, NotNumbers."""
    if golden.images.shape[1:3] != manifest.image.size_px:
        sizes = f"{golden.images.shape[1:3]}, the network's is {manifest.image.size_px}"
        raise GoldenInvalid(f"images are {sizes}")
    if golden.states.shape[1] != len(state_layout(manifest.image.posed)):
        raise GoldenInvalid(f"states have {golden.states.shape[1]} numbers, the network others")
    if set(golden.tasks) != set(manifest.tasks):
        odd = ", ".join(sorted(set(golden.tasks) ^ set(manifest.tasks)))
        raise GoldenInvalid(f"needs an example of each of the model's tasks and no other: {odd}")
    values = golden_values(q_function, manifest, golden, range(len(golden.tasks)))
    for index, (task, found) in enumerate(values):
        _check_finite(found, f"golden example {index}")
        off = float(np.abs(found - golden.q[index]).max())
        # Written so that a golden value of NaN fails too.
        if not off <= GOLDEN_TOLERANCE:
            raise GoldenInvalid(
                f"example {index} ({task}): values are off by {off:g}, "
                f"at most {GOLDEN_TOLERANCE:g} allowed"
            )


def golden_values(
    q_function: QFunction, manifest: Manifest, golden: Golden, examples: Iterable[int]
) -> Iterator[tuple[str, Numbers]]:
    """The task and the values (N,) of some of the golden examples."""
    for index in examples:
        features = q_function.features(golden.images[index : index + 1])
        task, state = golden.tasks[index], golden.states[index]
        code = one_hot(manifest.tasks, task)
        yield task, value(q_function, features, state, code, golden.actions[index])


def _corner_actions(bounds: ActionBounds) -> Numbers:
    """Every corner of the bounds, rest, and the pure commands: (20, 8)."""
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=4))) * bounds.high
    motions = np.concatenate([corners, np.zeros((4, 4))])
    gripper = np.full(len(motions), int(Gripper.KEEP), dtype=np.int64)
    gripper[-2:] = int(Gripper.OPEN), int(Gripper.CLOSE)
    terminate = np.zeros(len(motions), dtype=np.bool_)
    terminate[-3] = True
    return encode_actions(motions, gripper, terminate, bounds)


def _check_finite(q: Numbers, where: str) -> None:
    if not np.all(np.isfinite(q)):
        raise NotNumbers(f"{where}: {int(np.sum(~np.isfinite(q)))} of {len(q)} values not finite")
