"""A trial of the recorder: its own process under a measured load of real messages."""
