"""Paths as short as they can be typed."""

from __future__ import annotations

__all__ = ["shortened"]

import os
from pathlib import Path


def shortened(path: str | os.PathLike[str]) -> str:
    """A path from the current directory where it lies below it, from the home directory, or in full.

    Example:
        >>> shortened(Path.cwd() / "outputs" / "runs")
        'outputs/runs'
    """
    whole = Path(os.path.abspath(path))
    for start, sign in ((Path.cwd(), ""), (Path.home(), "~")):
        if whole.is_relative_to(start):
            return (Path(sign) / whole.relative_to(start)).as_posix()
    return whole.as_posix()
