"""`mtopt compare`: variants of the learner on the same episodes, each evaluated alike."""
