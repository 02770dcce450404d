"""Whether the cameras of a cell all deliver, and in step."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CameraWatch:
    """Told of every image, asked for faults. Stamps are of the cell's clock.

    `now_s` are seconds in which the cell should show images: its own, not those of a machine that
    simulates it slower or faster. A fault is one that stood at the look before, too: whoever
    watches may have been kept from its work itself, and finds the images after the look.
    """

    cameras: tuple[str, ...]
    max_age_s: float
    max_skew_s: float
    _arrived_s: dict[str, float] = field(default_factory=dict)
    _stamps_ns: dict[str, int] = field(default_factory=dict)
    _started_s: float | None = None
    _seen_before: bool = False

    def saw(self, camera: str, stamp_ns: int, now_s: float) -> None:
        """An image of a camera has arrived."""
        self._arrived_s[camera] = now_s
        self._stamps_ns[camera] = stamp_ns

    def fault(self, now_s: float) -> str:
        """What is wrong now in words, empty if nothing is."""
        if self._started_s is None:
            self._started_s = now_s
        found = self._stopped(now_s, self._started_s) or self._out_of_step()
        stood, self._seen_before = self._seen_before, bool(found)
        return found if stood else ""

    def _stopped(self, now_s: float, started_s: float) -> str:
        for camera in self.cameras:
            age_s = now_s - self._arrived_s.get(camera, started_s)
            if age_s > self.max_age_s:
                bound = f"bound {self.max_age_s:g} s"
                return f"no image of the {camera} camera for {age_s:.1f} s, {bound}"
        return ""

    def _out_of_step(self) -> str:
        if len(self._stamps_ns) < len(self.cameras):
            return ""
        first = min(self.cameras, key=self._stamps_ns.__getitem__)
        last = max(self.cameras, key=self._stamps_ns.__getitem__)
        skew_s = (self._stamps_ns[last] - self._stamps_ns[first]) * 1e-9
        if skew_s > self.max_skew_s:
            bound = f"bound {self.max_skew_s:g} s"
            return f"the {first} camera is {skew_s:.2f} s behind the {last} camera, {bound}"
        return ""
