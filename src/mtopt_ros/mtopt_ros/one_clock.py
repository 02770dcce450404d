"""Nodes of one process that follow a simulated clock listen to it once, not once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def share_clock(nodes: Sequence[Any]) -> None:
    """The first of the nodes on simulated time tells the others.

    rclpy gives every node a time source with a subscription of its own and no public way to
    share one.
    """
    following = [node for node in nodes if node._time_source.ros_time_is_active]
    for node in following[1:]:
        node._time_source.detach_node()
        following[0]._time_source.attach_clock(node.get_clock())
