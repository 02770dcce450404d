"""Training: steps, what waits for them, what is told of them, and how they are resumed."""
