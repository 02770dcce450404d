"""The hardware of one cell: `ros2 launch mtopt_bringup hardware.launch.py hardware:=mock`."""

from launch import LaunchDescription

from mtopt_bringup.launching.hardware_launch import description


def generate_launch_description() -> LaunchDescription:
    """ros2_control for one cell: mock, iiwa (FRI) or gazebo."""
    return description()
