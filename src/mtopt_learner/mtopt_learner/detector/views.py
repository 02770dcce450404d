"""What is cut out of the three cameras' images for a detector."""

from __future__ import annotations

from dataclasses import dataclass

from mtopt_core.config import option

from ..replay.view import View

VIEWS = ("overhead", "left", "right")


@dataclass(frozen=True)
class ViewConfig:
    """What is cut out of the three cameras' images. Sizes as (height, width)."""

    overhead_px: tuple[int, int] = option(
        [512, 640], "size of the overhead camera's images", unit="px", low=1, high=8192
    )
    side_px: tuple[int, int] = option(
        [480, 640], "size of the left and right cameras' images", unit="px", low=1, high=8192
    )
    crop_px: tuple[int, int] = option(
        [432, 480], "the part in the middle that is used", unit="px", low=1, high=8192
    )
    size_px: tuple[int, int] = option(
        [144, 160], "what the network is fed", unit="px", low=8, high=2048
    )
    margin_px: int = option(
        8, "farthest random shift, of the network's image", unit="px", low=0, high=256
    )

    def __post_init__(self) -> None:
        for name in VIEWS:
            self.view(name)

    def view(self, name: str) -> View:
        """What is cut of one camera; raises ViewInvalid for sizes that do not go together."""
        camera_px = self.overhead_px if name == VIEWS[0] else self.side_px
        return View(camera_px, self.crop_px, self.size_px, self.margin_px)

    @property
    def kept_px(self) -> tuple[int, int]:
        """Size of a view in the cache, margins included."""
        return self.view(VIEWS[0]).kept_px

    @property
    def key(self) -> str:
        """A short name; equal keys mean equal pixels."""
        return "-".join(dict.fromkeys(self.view(name).key for name in VIEWS))
