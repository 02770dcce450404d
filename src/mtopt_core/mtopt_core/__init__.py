"""The vocabulary of a learning cell and the decisions of MT-Opt, in pure functions."""

__version__ = "0.1.0"
