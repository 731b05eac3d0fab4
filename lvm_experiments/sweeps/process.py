"""What every process of a sweep does: end with the one that started it."""

from __future__ import annotations

__all__ = ["die_with", "kill_group"]

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with(parent: int) -> None:
    """Makes the system kill this process when its parent ends, however it ends. On Linux; elsewhere does nothing.

    Arguments:
        parent: The process that should be the parent; where it is gone already, this one ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def kill_group(leader: int) -> None:
    """Kills a process and all it has started, as far as they are still in its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
