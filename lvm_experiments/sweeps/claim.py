"""Who runs a job: one command of all that want to, on any machine that sees the folder."""

from __future__ import annotations

__all__ = ["Claims"]

import json
import os
import secrets
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from lvm_experiments.runs.lock import FolderLock
from lvm_experiments.runs.status import HEARTBEAT, SILENCE, is_alive


class Claims:
    """Claims on folders, each a small file that says whose it is, and is touched as a sign of life.

    A file appears under its name by a hard link, which is a single event on shared file systems too. One whose
    owner is gone is taken over: on the same machine when the process is not there, on another when there was no
    sign of life for long, by the clock of the file system. Of several that find it so one alone takes it: where
    there are locks, by a lock; elsewhere by renaming it, and looking at what was renamed.

    Arguments:
        heartbeat: Seconds between two signs of life.
        silence: Seconds without one after which an owner is given up.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> with Claims() as one, Claims() as other:
        ...     one.take(folder), other.take(folder)
        (True, False)
    """

    def __init__(self, heartbeat: float = HEARTBEAT, silence: float = SILENCE) -> None:
        self.heartbeat, self.silence = heartbeat, silence
        self.token = secrets.token_hex(8)
        self._held: set[Path] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="claims", daemon=True)

    def __enter__(self) -> Claims:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        for path in tuple(self._held):
            self._drop(path)

    def take(self, folder: Path) -> bool:
        """Claims a folder. False where another has it."""
        path = folder / ".claim"
        if path in self._held:
            return True
        lock = FolderLock(folder / ".claim.lock")
        if not lock.acquire():
            return False  # another is taking it at this moment
        try:
            if self._make(path) or (self._is_left(path) and self._remove(path) and self._make(path)):
                self._held.add(path)
                return True
            return False
        finally:
            lock.release()

    def release(self, folder: Path) -> None:
        """Gives a folder back."""
        self._drop(folder / ".claim")

    def _make(self, path: Path) -> bool:
        temporary = path.with_name(f".claim.{self.token}.tmp")
        facts = {"token": self.token, "host": socket.gethostname(), "pid": os.getpid()}
        temporary.write_text(json.dumps(facts), encoding="utf-8")
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            try:
                with open(path, "x", encoding="utf-8") as file:
                    json.dump(facts, file)
            except FileExistsError:
                return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _is_left(self, path: Path) -> bool:
        """Whether the owner of a claim is gone."""
        owner = _read(path)
        probe = path.with_name(f".claim.{self.token}.now")
        try:
            probe.touch()
            age = probe.stat().st_mtime - path.stat().st_mtime
        except FileNotFoundError:
            return True  # given back meanwhile
        finally:
            probe.unlink(missing_ok=True)
        here = owner.get("host") == socket.gethostname()
        if here and isinstance(owner.get("pid"), int) and not is_alive(owner["pid"]):
            return True
        return age > self.silence

    def _remove(self, path: Path) -> bool:
        owner, aside = _read(path), path.with_name(f".claim.{self.token}.left")
        with suppress(FileNotFoundError):
            os.rename(path, aside)
            if _read(aside).get("token") != owner.get("token"):
                # Another was quicker, and this is its new claim: back with it.
                with suppress(FileExistsError):
                    os.link(aside, path)
                aside.unlink()
                return False
            aside.unlink()
        return True

    def _drop(self, path: Path) -> None:
        self._held.discard(path)
        if _read(path).get("token") == self.token:
            path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(self.heartbeat):
            for path in tuple(self._held):
                with suppress(OSError):  # a server that is away may come back before the next beat
                    if _read(path).get("token") == self.token:
                        os.utime(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
