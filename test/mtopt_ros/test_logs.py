"""What a library logs is said by the node, once, and no longer than the node lives."""

from __future__ import annotations

import logging

import pytest

from mtopt_ros.logs import NodeLog


class Told:
    """A node's logger, as far as it is used."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __getattr__(self, level: str):
        return lambda text: self.said.append((level, text))


def test_records_go_to_the_nodes_logger_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    told, source = Told(), logging.getLogger("some_library.part")
    handler = NodeLog(told, "some_library")
    source.warning("lost: %s", "can")
    source.error("broken")
    assert told.said == [("warning", "lost: can"), ("error", "broken")]
    assert caplog.text == ""
    handler.close()
    source.warning("again")
    assert len(told.said) == 2 and "again" in caplog.text
