"""A request to end, by Ctrl-C or by a signal. Noted, never raised: an end is orderly."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

_ASKED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """While it is entered, the first signal is remembered and further ones change nothing."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> Stop:
        self._before = {number: signal.signal(number, self._note) for number in _ASKED_BY}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def asked(self) -> bool:
        """Whether somebody wants it to end."""
        return self.number != 0

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended."""
        return 128 + self.number

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.number = self.number or number
