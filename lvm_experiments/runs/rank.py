"""Which of a run's processes writes its files."""

from __future__ import annotations

__all__ = ["is_rank_zero"]

import os

_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


def is_rank_zero() -> bool:
    """Whether this process is the first of its run, by what launchers put into the environment.

    All of the ranks have to be zero: a global one is not always there, and a process started by
    another inherits some of its.

    Example:
        >>> is_rank_zero()
        True
    """
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)
