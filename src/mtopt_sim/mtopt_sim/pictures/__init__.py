"""Pictures of the simulated cell for people: what the README and the docs show."""
