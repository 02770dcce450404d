"""Models on a robot: bundles, the store they stand in, and the Q-function that they serve."""
