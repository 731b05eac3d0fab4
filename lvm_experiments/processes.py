"""Whether a run is one of several processes."""

from __future__ import annotations

__all__ = ["several_processes"]

from torch import distributed


def several_processes() -> bool:
    """Whether there are others, which can be asked.

    Example:
        >>> several_processes()
        False
    """
    return distributed.is_available() and distributed.is_initialized()
