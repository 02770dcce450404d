"""The MuJoCo workcell: the robot description made to move, fall, grip and be seen."""
