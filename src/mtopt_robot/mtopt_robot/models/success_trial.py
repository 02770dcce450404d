"""A success detector's trial before it may grade: the golden logits, and always numbers."""

from __future__ import annotations

import numpy as np

from mtopt_core.encoding import Numbers

from .errors import GoldenInvalid, GraphInvalid, NotNumbers
from .manifest import SuccessManifest
from .success_function import SuccessFunction
from .success_golden import SuccessGolden

GOLDEN_TOLERANCE = 1e-3
_EXTREMES = (0, 255)


def try_success_golden(
    function: SuccessFunction, manifest: SuccessManifest, golden: SuccessGolden
) -> None:
    """The golden examples; raises GoldenInvalid, NotNumbers."""
    views = (golden.overhead, golden.left, golden.right)
    sizes = tuple(view.shape[1:3] for view in views)
    if sizes != sizes_px(manifest):
        raise GoldenInvalid(f"images are {sizes}, the network's are {sizes_px(manifest)}")
    if golden.tasks != manifest.tasks:
        told = f"{', '.join(golden.tasks)}; the model's are {', '.join(manifest.tasks)}"
        raise GoldenInvalid(f"is of the tasks {told}")
    for index in range(len(golden.logits)):
        one = slice(index, index + 1)
        found = function.logits(*(view[one] for view in views))
        _check_finite(found, f"golden example {index}")
        off = float(np.abs(found - golden.logits[one]).max())
        # Written so that a golden logit of NaN fails too.
        if not off <= GOLDEN_TOLERANCE:
            raise GoldenInvalid(
                f"example {index}: logits are off by {off:g}, at most {GOLDEN_TOLERANCE:g} allowed"
            )


def try_success_extremes(function: SuccessFunction, manifest: SuccessManifest) -> None:
    """Logits of black and of white views, alone and side by side.

    Raises NotNumbers, and GraphInvalid where an outcome's logits depend on the others graded
    beside it.
    """
    views = [
        np.stack([np.full((*size_px, 3), level, dtype=np.uint8) for level in _EXTREMES])
        for size_px in sizes_px(manifest)
    ]
    together = function.logits(*views)
    for index, level in enumerate(_EXTREMES):
        alone = function.logits(*(view[index : index + 1] for view in views))
        _check_finite(alone, f"views of {level}")
        off = float(np.abs(alone[0] - together[index]).max())
        if not off <= GOLDEN_TOLERANCE:
            raise GraphInvalid(f"views of {level} get other logits in company: off by {off:g}")


def sizes_px(manifest: SuccessManifest) -> tuple[tuple[int, int], ...]:
    """The (height, width) of overhead, left and right, as the network is fed."""
    return tuple(view.size_px for view in (manifest.overhead, manifest.left, manifest.right))


def _check_finite(logits: Numbers, where: str) -> None:
    if not np.all(np.isfinite(logits)):
        count = int(np.sum(~np.isfinite(logits)))
        raise NotNumbers(f"{where}: {count} of {logits.size} logits not finite")
