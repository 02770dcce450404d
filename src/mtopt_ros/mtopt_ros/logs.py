"""What libraries log, said by the node that uses them: on the console and on /rosout."""

from __future__ import annotations

import logging
from typing import Any

_SAY = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning"}


class NodeLog(logging.Handler):
    """Hands the records of a Python logger on to a node's logger, until it is closed."""

    def __init__(self, logger: Any, source: str) -> None:
        super().__init__(logging.INFO)
        self._logger, self._source = logger, logging.getLogger(source)
        self._source.addHandler(self)
        self._source.propagate = False  # once is enough

    def emit(self, record: logging.LogRecord) -> None:
        """Say a record."""
        getattr(self._logger, _SAY.get(record.levelno, "error"))(record.getMessage())

    def close(self) -> None:
        """Leave the Python logger as it was."""
        self._source.removeHandler(self)
        self._source.propagate = True
        super().close()
