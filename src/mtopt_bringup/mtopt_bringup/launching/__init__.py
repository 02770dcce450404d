"""What `ros2 launch` and its neighbours are handed: actions, hardware, MoveIt."""
