"""How far a run is: written by the run itself, readable at any time by anybody."""

from __future__ import annotations

__all__ = ["STATES", "Status", "read_status", "set_state"]

import os
import socket
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from lvm_experiments.errors import Interrupted, RequestError, RunError
from lvm_experiments.runs.files import atomic_write, read_json, remove_leftovers, write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.lock import FolderLock
from lvm_experiments.runs.provenance import provenance
from lvm_experiments.runs.rank import is_rank_zero
from lvm_experiments.runs.signals import Signals

STATES = ("queued", "running", "completed", "failed", "interrupted", "refused", "stale")

HEARTBEAT = 15.0
"""Seconds between two signs of life."""

SILENCE = 120.0
"""Seconds without one after which a run on another host is given up for dead."""


class Status:
    """Entered around a run: keeps `status.json`, owns the folder, makes exceptions of signals.

    Inside it the state is `running`. Left without an exception it is `completed`; by `Interrupted`
    (SIGTERM, Ctrl-C) `interrupted`; by a `RequestError` `refused`; by anything else, a `RunError`
    as well, `failed`, and then `traceback.txt` holds the whole traceback. Exceptions pass through.
    Processes of the run other than its first neither write nor lock.

    Arguments:
        folder: The run's folder; it is created.
        heartbeat: Seconds between two signs of life.

    Raises:
        RequestError: On entering: the folder cannot be written, or another process runs in it.

    Example:
        >>> folder = RunFolder(getfixture("tmp_path"))
        >>> with Status(folder):
        ...     read_status(folder)["state"]
        'running'
        >>> read_status(folder)["state"]
        'completed'
    """

    def __init__(self, folder: RunFolder, *, heartbeat: float = HEARTBEAT) -> None:
        self.folder, self.heartbeat = folder, heartbeat
        self._lock = FolderLock(folder.lock)
        self._signals = Signals()
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._facts: dict[str, Any] = {}

    def __enter__(self) -> Status:
        if is_rank_zero():
            self._take()
        self._signals.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._signals.__exit__(kind, error, trace)
        # A process forked inside inherits all of this and owns nothing of it.
        if self._thread is None or self._facts["pid"] != os.getpid():
            return
        self._stop.set()
        self._thread.join()
        state, exit_code, reason = outcome(error)
        if state == "failed":
            atomic_write(self.folder.traceback, "".join(traceback.format_exception(error)))
        self._write(state=state, exit_code=exit_code, reason=reason, finished=now(), heartbeat=now())
        self._lock.release()

    def _take(self) -> None:
        self.folder.create()
        before = read_json(self.folder.status) if self.folder.status.exists() else {}
        held = not self._lock.acquire()
        # A lock may mean nothing to another host; there, and where there are none, the status has
        # to do.
        unsure = not self._lock.works or before.get("host") != socket.gethostname()
        if held or (unsure and before.get("state") == "running" and not is_stale(before)):
            self._lock.release()
            raise RequestError(
                f"is in use by process {before.get('pid')} on {before.get('host')}",
                where=str(self.folder.path),
                hint="wait for it, stop it, or choose another folder",
            )
        remove_leftovers(self.folder.path)
        remove_leftovers(self.folder.checkpoints)
        time = now()
        self._facts = {
            **provenance(),
            "state": "running",
            "attempt": before.get("attempt", 0) + 1,
            "created": before.get("created") or time,
            "started": time,
            "heartbeat": time,
            "finished": None,
            "exit_code": None,
            "reason": None,
        }
        self._write()
        self._stop.clear()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(self.heartbeat):
            try:
                self._write(heartbeat=now())
            except OSError:
                # A full disk may be emptied, a server come back: the next beat tries again, and
                # the run itself says so if it cannot write either.
                continue

    def _write(self, **changes: Any) -> None:
        with self._guard:
            self._facts.update(changes)
            write_json(self.folder.status, self._facts)


def set_state(folder: RunFolder, state: str, *, reason: str | None = None) -> None:
    """Notes a state of a run that no process has: `queued` before it, `refused` instead of it.

    Arguments:
        folder: The run's folder; it is created.
        state: The state.
        reason: One line, for people.
    """
    if state not in STATES:
        raise ValueError(f"{state!r} is none of {', '.join(STATES)}")
    folder.create()
    before = read_json(folder.status) if folder.status.exists() else {}
    write_json(folder.status, {"attempt": 0, "created": now(), **before, "state": state, "reason": reason})


def read_status(folder: RunFolder, *, silence: float = SILENCE) -> dict[str, Any]:
    """What `status.json` says, with `stale` for a run that says `running` and is not.

    Arguments:
        folder: The run's folder.
        silence: Seconds without a sign of life after which a run is given up.

    Raises:
        RequestError: There is no status, or it cannot be read.
    """
    facts = read_json(folder.status)
    return {**facts, "state": "stale"} if is_stale(facts, silence=silence) else facts


def is_stale(facts: dict[str, Any], *, silence: float = SILENCE) -> bool:
    """Whether a status says `running` of a process that is gone.

    On the run's own host a process that is gone is gone; the heartbeat decides elsewhere, and
    where the number has been given to another process.
    """
    if facts.get("state") != "running":
        return False
    if facts["host"] == socket.gethostname() and not is_alive(facts["pid"]):
        return True
    age = datetime.now(UTC) - datetime.fromisoformat(facts["heartbeat"])
    return age.total_seconds() > silence


def is_alive(pid: int) -> bool:
    """Whether there is a process of this number here."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def outcome(error: BaseException | None) -> tuple[str, int, str | None]:
    """State, exit code and reason of a run that ended with an exception, or without one."""
    match error:
        case None:
            return "completed", 0, None
        case Interrupted():
            return "interrupted", error.exit_code, str(error)
        case KeyboardInterrupt():
            return "interrupted", 130, "interrupted from the keyboard"
        # Lightning leaves by `sys.exit` where it has caught a KeyboardInterrupt.
        case SystemExit() if isinstance(error.__context__, KeyboardInterrupt):
            return "interrupted", 130, "interrupted from the keyboard"
        case SystemExit(code=None | 0):
            return "completed", 0, None
        case RunError():
            return "failed", error.exit_code, str(error)
        case RequestError():
            return "refused", error.exit_code, str(error)
    first = next(iter(str(error).splitlines()), "")
    return "failed", 1, f"{type(error).__name__}: {first}" if first else type(error).__name__


def now() -> str:
    """The time in UTC, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
