"""MoveIt for one cell: `ros2 launch mtopt_bringup moveit.launch.py cell:=cell1`."""

from launch import LaunchDescription

from mtopt_bringup.launching.moveit_launch import description


def generate_launch_description() -> LaunchDescription:
    """move_group, which the arm node asks for ways around what is in the way."""
    return description()
