"""Fixtures of every test that speaks ROS; a conftest takes them by importing them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.ros_session import Prober, Spinner, start_ros


@pytest.fixture
def ros() -> None:
    """rclpy is up, in a domain of this session's own."""
    start_ros()


@pytest.fixture
def prober(ros: None) -> Iterator[Prober]:
    """The test's own node."""
    prober = Prober()
    yield prober
    prober.close()


@pytest.fixture
def spinner(ros: None) -> Iterator[Spinner]:
    """Where the nodes under test spin."""
    spinner = Spinner()
    yield spinner
    spinner.close()
