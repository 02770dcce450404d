"""Start a fleet: `ros2 launch mtopt_bringup fleet.launch.py cells:=2 episodes:=10`."""

from launch import LaunchDescription

from mtopt_bringup.launching.actions import description


def generate_launch_description() -> LaunchDescription:
    """All cells of config/fleet.yaml, or of the file and with the arguments given."""
    return description()
