"""Collecting at full speed: simulated cells in processes of their own, without ROS."""
