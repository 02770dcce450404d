"""The faults of a node, by name, until they are over."""

from __future__ import annotations

from mtopt_msgs.msg import Heartbeat
from mtopt_ros.health import Health, Level


def test_levels_are_those_of_the_wire() -> None:
    assert (Level.OK, Level.WARN, Level.FAULT) == (Heartbeat.OK, Heartbeat.WARN, Heartbeat.FAULT)


def test_a_healthy_node_has_nothing_to_tell() -> None:
    assert Health().worst == (Level.OK, "", "")


def test_a_fault_outranks_a_warning_whenever_it_came() -> None:
    health = Health()
    health.warn("dusty", "wipe it")
    assert health.worst == (Level.WARN, "dusty", "wipe it")
    health.fault("jam", "free it")
    assert health.worst == (Level.FAULT, "jam", "free it")


def test_the_first_fault_is_told_until_it_is_over_then_the_next() -> None:
    health = Health()
    health.fault("first", "1")
    health.fault("second", "2")
    health.fault("first", "1, still")
    assert health.worst == (Level.FAULT, "first", "1, still")
    health.over("first")
    assert health.worst == (Level.FAULT, "second", "2")
    health.over("second")
    assert health.worst == (Level.OK, "", "")


def test_over_ends_warnings_too_and_forgives_what_never_was() -> None:
    health = Health()
    health.warn("dusty", "wipe it")
    health.over("dusty")
    health.over("never heard of")
    assert health.worst == (Level.OK, "", "")


def test_clear_leaves_the_figures() -> None:
    health = Health()
    health.fault("jam", "free it")
    health.warn("dusty", "wipe it")
    health.values["grader"] = "truth"
    health.clear()
    assert health.worst == (Level.OK, "", "") and health.values == {"grader": "truth"}
