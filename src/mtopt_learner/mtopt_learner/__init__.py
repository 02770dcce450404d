"""The learner of the fleet: its networks, and their export to model bundles."""
