"""Run a program that ends when its parent does: `python tether.py SIGNAL PROGRAM ARGUMENT...`

Linux sends the signal when the parent is gone, however it went. The tie outlives exec, so
this file needs nothing but the standard library and leaves nothing behind.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(number: int) -> None:
    """Ask for a signal at the parent's death; raises OSError."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it went in the meantime
        os.kill(os.getpid(), number)


def command(number: int, program: list[str]) -> list[str]:
    """The command line that runs a program so."""
    name = signal.Signals(number).name
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), name, *program]


if __name__ == "__main__":
    tie(signal.Signals[sys.argv[1]])
    os.execvp(sys.argv[2], sys.argv[2:])
