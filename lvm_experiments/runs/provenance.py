"""Of what program, on what machine, a run is the result."""

from __future__ import annotations

__all__ = ["provenance"]

import hashlib
import os
import platform
import socket
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_DISTRIBUTIONS = (
    "hydra-core",
    "lvm_experiments",
    "omegaconf",
    "pytorch-lightning",
    "torch",
    "wandb",
)


def provenance() -> dict[str, Any]:
    """Process, host, versions and the state of the source.

    Example:
        >>> sorted(provenance())
        ['git', 'host', 'pid', 'versions']
    """
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "git": _git(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            # What is installed says so itself; importing it would take seconds.
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


@cache
def _git() -> dict[str, str] | None:
    """Commit and a hash of what differs from it, where this package lies in a checkout."""
    package = Path(__file__).resolve().parents[1]
    # A package installed below somebody's own repository is not part of it: it has to be tracked.
    if _ask(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit, difference = _ask(package, "rev-parse", "HEAD"), _ask(package, "diff", "HEAD")
    if commit is None or difference is None:
        return None
    return {
        "commit": commit.decode().strip(),
        "diff_sha256": hashlib.sha256(difference).hexdigest(),
    }


def _ask(folder: Path, *words: str) -> bytes | None:
    try:
        answer = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *words],
            capture_output=True,
            check=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout
