"""Whether the cameras of a cell all deliver, and in step."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CameraWatch:
    """Told of every image, asked for faults. Arrival by a steady clock, stamps by the cell's."""

    cameras: tuple[str, ...]
    max_age_s: float
    max_skew_s: float
    _arrived_s: dict[str, float] = field(default_factory=dict)
    _stamps_ns: dict[str, int] = field(default_factory=dict)
    _started_s: float | None = None

    def saw(self, camera: str, stamp_ns: int, now_s: float) -> None:
        """An image of a camera has arrived."""
        self._arrived_s[camera] = now_s
        self._stamps_ns[camera] = stamp_ns

    def fault(self, now_s: float) -> str:
        """What is wrong now in words, empty if nothing is."""
        if self._started_s is None:
            self._started_s = now_s
        for camera in self.cameras:
            age_s = now_s - self._arrived_s.get(camera, self._started_s)
            if age_s > self.max_age_s:
                bound = f"bound {self.max_age_s:g} s"
                return f"no image of the {camera} camera for {age_s:.1f} s, {bound}"
        if len(self._stamps_ns) < len(self.cameras):
            return ""
        first = min(self.cameras, key=self._stamps_ns.__getitem__)
        last = max(self.cameras, key=self._stamps_ns.__getitem__)
        skew_s = (self._stamps_ns[last] - self._stamps_ns[first]) * 1e-9
        if skew_s > self.max_skew_s:
            bound = f"bound {self.max_skew_s:g} s"
            return f"the {first} camera is {skew_s:.2f} s behind the {last} camera, {bound}"
        return ""
