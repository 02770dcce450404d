"""Trajectories on their way to a controller that takes its time."""

from __future__ import annotations

from dataclasses import dataclass

from ..follower import TrajectoryPoints


@dataclass(frozen=True, eq=False)
class Letter:
    """A trajectory for a controller, begun when it is due."""

    due_ns: int
    controller: str
    points: TrajectoryPoints

    @property
    def end_ns(self) -> int:
        """When its motion will have ended."""
        return (self.points.stamp_ns or self.due_ns) + round(float(self.points.t_s[-1]) * 1e9)


class Mail:
    """Letters in the order in which they arrive."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []

    def post(self, letter: Letter) -> None:
        """Send a letter on its way."""
        self._letters.append(letter)
        self._letters.sort(key=lambda known: known.due_ns)

    def due(self, now_ns: int) -> list[Letter]:
        """Take out what has arrived."""
        arrived = [letter for letter in self._letters if letter.due_ns <= now_ns]
        self._letters = self._letters[len(arrived) :]
        return arrived

    def clear(self) -> None:
        """Lose everything that is under way."""
        self._letters.clear()

    @property
    def next_ns(self) -> int | None:
        """When the next letter arrives; None if none is under way."""
        return self._letters[0].due_ns if self._letters else None

    @property
    def end_ns(self) -> int:
        """When the last motion that is under way by mail will have ended; 0 if none is."""
        return max((letter.end_ns for letter in self._letters), default=0)
