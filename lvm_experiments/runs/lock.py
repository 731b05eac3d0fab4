"""A run folder belongs to one process at a time."""

from __future__ import annotations

__all__ = ["FolderLock"]

import errno
import os
from pathlib import Path
from typing import ClassVar

try:
    import fcntl
except ImportError:  # not a POSIX system: what status.json says has to do
    fcntl = None  # type: ignore[assignment]


class FolderLock:
    """A lock that is free again as soon as its process is gone, however it went.

    A record lock of POSIX: it belongs to the process, so that neither workers forked from it nor
    programs started by it keep the folder locked after a crash. Within the process a note of what
    it holds does the same.

    Arguments:
        path: The file to lock; made where missing, and left behind.

    Attributes:
        works: Whether this system and file system have such locks.

    Example:
        >>> lock = FolderLock(getfixture("tmp_path") / ".lock")
        >>> lock.acquire()
        True
        >>> lock.release()
    """

    _held: ClassVar[set[tuple[int, Path]]] = set()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.works = fcntl is not None
        self._file: int | None = None

    def acquire(self) -> bool:
        """Takes the lock. False where it is held already."""
        # Looked up first: closing the file a second time would give away the lock held by the
        # first.
        if (os.getpid(), self.path) in self._held:
            return False
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        if fcntl is not None:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    self.release()
                    return False
                self.works = False
        self._held.add((os.getpid(), self.path))
        return True

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._held.discard((os.getpid(), self.path))
