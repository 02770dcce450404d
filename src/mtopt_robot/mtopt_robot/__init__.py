"""What a cell is made of: the arm's kinematics and motion, the bins, the cameras."""
