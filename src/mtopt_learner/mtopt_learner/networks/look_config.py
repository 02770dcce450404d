"""The sizes of the network that looks where an action would go."""

from __future__ import annotations

from dataclasses import dataclass

from mtopt_core.config import option

from ..errors import NetworkInvalid

STRIDE = 4  # pixels of the image for one place of the features


@dataclass(frozen=True)
class LookConfig:
    """image -> stem, pool -> fine body + coarse body at half the size = features.

    The value of an action is that of a few places of the features, read between the pixels: around
    where it would bring the tool, below the tool, and where the camera shows the tool.
    """

    size_px: tuple[int, int] = option([96, 96], "height and width of the image", unit="px", low=24)
    stem: int = option(32, "channels of the first filters", low=1, high=512)
    channels: int = option(48, "channels of the features", low=1, high=512)
    fine: int = option(2, "convolutions of 3 by 3 at the features' size", low=0, high=16)
    coarse_channels: int = option(64, "channels at half that size", low=1, high=512)
    coarse: int = option(2, "convolutions of 3 by 3 at half that size", low=0, high=16)
    width: int = option(256, "width of the layers that the action goes through", low=1, high=4096)
    own_width: int = option(128, "width of a layer for action and state alone", low=1, high=4096)
    reach_m: float = option(
        0.025, "how far around a place it looks, along and across the fingers", unit="m",
        low=0.0, high=0.2,
    )  # fmt: skip
    norm_momentum: float = option(
        0.05, "share of a batch in the running mean and variance", low=1e-5, high=1.0
    )

    def __post_init__(self) -> None:
        if any(side % (6 * STRIDE) for side in self.size_px):
            raise NetworkInvalid(f"size_px = {self.size_px}: must be whole times {6 * STRIDE}")

    @property
    def features_px(self) -> tuple[int, int]:
        """Size of the features."""
        return self.size_px[0] // STRIDE, self.size_px[1] // STRIDE
