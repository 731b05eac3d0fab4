"""The places of a machine: GPUs, shares of them, or CPU cores, each held by one job at a time."""

from __future__ import annotations

__all__ = ["Slots", "cores"]

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from lvm_experiments.runs.lock import FolderLock


class Slots:
    """Places that jobs take and give back; two commands on the same folder and machine share them.

    Arguments:
        folder: Of the lock files.
        gpus: Of each place, as in CUDA_VISIBLE_DEVICES; an empty word for a place without one.

    Example:
        >>> slots = Slots(getfixture("tmp_path"), ["0", "1"])
        >>> slots.take("a", 1), slots.take("b", 2), slots.take("c", 1)
        (['0'], None, ['1'])
        >>> slots.give_back("a")
        >>> slots.take("b", 1)
        ['0']
    """

    def __init__(self, folder: Path, gpus: Sequence[str]) -> None:
        self.folder, self.gpus = folder, list(gpus)
        self._taken: dict[str, list[tuple[int, FolderLock]]] = {}

    def take(self, job: str, number: int) -> list[str] | None:
        """The GPUs of as many places, none twice; None where there are not so many free now."""
        if job in self._taken:
            return [self.gpus[place] for place, _ in self._taken[job]]
        busy = {place for places in self._taken.values() for place, _ in places}
        found: list[tuple[int, FolderLock]] = []
        self._taken[job] = found
        for place, gpu in enumerate(self.gpus):
            if place in busy or (gpu and gpu in (self.gpus[other] for other, _ in found)):
                continue
            if len(found) == number:
                break
            lock = self._lock(place)
            if lock.acquire():
                found.append((place, lock))
        if len(found) < number:
            self.give_back(job)
            return None
        return [self.gpus[place] for place, _ in found]

    def give_back(self, job: str) -> None:
        """Frees what a job has."""
        for _, lock in self._taken.pop(job, []):
            lock.release()

    def _lock(self, place: int) -> FolderLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FolderLock(self.folder / f"{socket.gethostname()}_{place}")


def cores() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1
