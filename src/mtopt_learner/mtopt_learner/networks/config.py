"""The sizes of a Q-network: the paper's by default, smaller ones by the same fields."""

from __future__ import annotations

from dataclasses import dataclass

from mtopt_core.config import option

from ..errors import NetworkInvalid


@dataclass(frozen=True)
class NetworkConfig:
    """Every convolution keeps the size of its image, but the stem's stride and the tail's edges.

    image -> stem -> pool -> body -> pool = features; features + action -> head -> pool -> tail
    -> fully connected -> Q. A pool of 1 leaves the size alone.
    """

    size_px: tuple[int, int] = option([472, 472], "height and width of the image", unit="px", low=8)
    channels: int = option(64, "channels of every convolution", low=1, high=1024)
    stem_kernel: int = option(6, "side of the first filters", low=2, high=16)
    stem_stride: int = option(2, "step of the first filters", low=1, high=4)
    stem_pool: int = option(3, "side and step of the first pool", low=1, high=4)
    body_convs: int = option(6, "convolutions before the features", low=0, high=32)
    body_kernel: int = option(5, "side of their filters, odd", low=1, high=9)
    body_pool: int = option(3, "side and step of the pool behind them", low=1, high=4)
    merge_width: int = option(256, "width in which action, state and task are summed", low=1)
    head_convs: int = option(6, "convolutions after the action is added", low=1, high=32)
    head_kernel: int = option(3, "side of their filters, odd", low=1, high=9)
    head_pool: int = option(2, "side and step of the pool behind them", low=1, high=4)
    tail_convs: int = option(3, "last convolutions, which lose their edges", low=0, high=8)
    tail_kernel: int = option(3, "side of their filters", low=1, high=9)
    dense: tuple[int, ...] = option([64, 64], "widths of the last layers", low=1)
    norm_momentum: float = option(
        0.01, "share of a batch in the running mean and variance", low=1e-5, high=1.0
    )

    def __post_init__(self) -> None:
        for name in ("body_kernel", "head_kernel"):
            if getattr(self, name) % 2 == 0:
                raise NetworkInvalid(f"{name} = {getattr(self, name)}: must be odd")
        if min(self.features_px) < self.head_kernel or min(self.tail_px) < 1:
            raise NetworkInvalid(
                f"an image of {self.size_px} px leaves features of {self.features_px} and a tail "
                f"of {self.tail_px} px: take a larger image or smaller pools"
            )

    @property
    def stem_padding(self) -> int:
        """Zeros on each side of the image."""
        return (self.stem_kernel - self.stem_stride + 1) // 2

    @property
    def stem_px(self) -> tuple[int, int]:
        """Size behind the first convolution."""
        lost = self.stem_kernel - 2 * self.stem_padding
        rows, columns = ((side - lost) // self.stem_stride + 1 for side in self.size_px)
        return rows, columns

    @property
    def body_px(self) -> tuple[int, int]:
        """Size of the body's convolutions."""
        return _pooled(self.stem_px, self.stem_pool)

    @property
    def features_px(self) -> tuple[int, int]:
        """Size of the features, which is that of the head's convolutions."""
        return _pooled(self.body_px, self.body_pool)

    @property
    def tail_px(self) -> tuple[int, int]:
        """Size behind the last convolution."""
        lost = self.tail_convs * (self.tail_kernel - 1)
        rows, columns = _pooled(self.features_px, self.head_pool)
        return rows - lost, columns - lost


def _pooled(size_px: tuple[int, int], pool: int) -> tuple[int, int]:
    return size_px[0] // pool, size_px[1] // pool
