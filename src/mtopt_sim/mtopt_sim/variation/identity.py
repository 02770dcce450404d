"""Who a cell is: its ranges, its objects, and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mtopt_core.purpose import Purpose

from ..objects import Kind, kind_name
from .config import Ranges
from .draws import Draws
from .look import Look, look
from .variants import Shelf, Variant, resized, served


@dataclass(frozen=True)
class Variation:
    """What is varied in one cell. The default varies nothing.

    The same identity, purpose and ranges give the same cell on every machine; the same seed gives
    it the same reset. A cell for evaluation never looks like one of the same name for training.
    Raises ReservedForEvaluation where training reaches for the reserved shelf.
    """

    ranges: Ranges = Ranges()
    shelf: Shelf = Shelf.STANDARD
    identity: str = ""
    purpose: Purpose = Purpose.TRAINING

    def __post_init__(self) -> None:
        served("can", self.shelf, self.purpose)

    @property
    def idle(self) -> bool:
        """Whether nothing is varied but the objects' variants."""
        return self.ranges == Ranges(renewed=self.ranges.renewed)

    def variants(self, names: tuple[str, ...]) -> dict[str, Variant]:
        """The variant of each object."""
        return {name: self._variant(name) for name in names}

    def kinds(self, names: tuple[str, ...]) -> Mapping[str, Kind]:
        """What each object is made like in this cell: its variant, size and mass."""
        return {name: self._sized(name, known.kind) for name, known in self.variants(names).items()}

    def look(self, seed: int, cameras: int, objects: int) -> Look:
        """Everything else, for the reset of a seed; raises ReservedForEvaluation, NotReserved."""
        self.purpose.admit(seed)
        return look(self.ranges, self.draws(seed), cameras, objects)

    def draws(self, seed: int = 0) -> Draws:
        """The cell's draws at the reset of a seed."""
        return Draws(self.purpose, self.identity, self.ranges.renewed, seed)

    def _variant(self, name: str) -> Variant:
        known = served(kind_name(name), self.shelf, self.purpose)
        index = int(self.draws().stream("variant", name).integers(len(known)))
        return known[index]

    def _sized(self, name: str, plain: Kind) -> Kind:
        ranges, draws = self.ranges, self.draws()
        if not ranges.objects.size and not ranges.physics.mass:
            return plain
        size, mass = (float(draws.lasting(what + name, 1)[0]) for what in ("size ", "mass "))
        grown = resized(plain, 1.0 + ranges.objects.size * size)
        return replace(grown, mass_kg=grown.mass_kg * (1.0 + ranges.physics.mass * mass))


NOTHING = Variation()
