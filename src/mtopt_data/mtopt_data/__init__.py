"""The episode log: one MCAP file an episode, written, read, verified and recovered."""

__version__ = "0.1.0"
