"""What the tests that speak ROS share."""

from fakes.ros_fixtures import prober, ros, spinner

__all__ = ["prober", "ros", "spinner"]
