"""What became of a job, in words: from its folder, its exit code, and what was done to it."""

from __future__ import annotations

__all__ = ["OUTPUT", "settle", "state_of"]

import re
import signal
from pathlib import Path
from typing import Any

from lvm_experiments.runs.files import read_json, write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.status import now, read_status

OUTPUT = "output.txt"
"""What a job of a sweep prints, in its folder."""

_MEMORY = re.compile(
    r"MemoryError|OutOfMemoryError|out of memory|can't allocate memory|Cannot allocate memory|bad_alloc|signal SIGKILL",
    re.IGNORECASE,
)
_LONGEST = 300  # letters of a reason


def settle(folder: RunFolder, code: int, *, attempt: int, because: str | None = None) -> dict[str, Any]:
    """Makes sure that the status of a job that has ended says how, and gives it.

    A run tells itself how it ended; one that was killed, or failed before it was one, does not.

    Arguments:
        folder: The job's.
        code: Its exit code; negative is a signal.
        attempt: How often it had been tried before.
        because: Why it was stopped, where it was: this is then the reason, and the job has failed.
    """
    facts = read_json(folder.status) if folder.status.exists() else {}
    began = facts.get("attempt", 0) > attempt
    told = began and facts.get("state") != "running"
    if told and facts["state"] != "failed" and (because is None or facts["state"] == "completed"):
        return facts
    if because is not None:
        state, reason = "failed", because
    elif told:
        state, reason = "failed", str(facts.get("reason") or "")
    else:
        state, reason = _untold(folder, code, began=began)
    if because is None and _MEMORY.search(reason) and not reason.startswith("out of memory"):
        reason = f"out of memory: {reason}"
    changes = {
        "state": state,
        "reason": reason,
        "exit_code": code,
        "finished": facts.get("finished") if told else now(),
    }
    facts = {"attempt": 0, "created": now(), **facts, **changes}
    write_json(folder.status, facts)
    return facts


def state_of(folder: RunFolder) -> dict[str, Any]:
    """The status of a job; of one that is not there, that it is queued."""
    return read_status(folder) if folder.status.exists() else {"state": "queued", "reason": None, "attempt": 0}


def _untold(folder: RunFolder, code: int, *, began: bool) -> tuple[str, str]:
    """State and reason of a job that ended without a word in its status."""
    if began and folder.traceback.exists():  # of one of its processes, which took the others along
        return "failed", _last_line(folder.traceback)
    words = _last_line(folder.path / OUTPUT)
    if code == 2:
        return "refused", words
    if code in _signals(signal.SIGINT, signal.SIGTERM):
        return "interrupted", "interrupted before it could save"
    if code in _signals(signal.SIGKILL):  # 137 is that of a process in a container
        return "failed", "out of memory: killed by SIGKILL, most likely by the system"
    if code < 0:
        return "failed", f"killed by {signal.Signals(-code).name}"
    return "failed", f"ended with exit code {code}{': ' + words if words else ''}"


def _signals(*numbers: int) -> tuple[int, ...]:
    return tuple(code for number in numbers for code in (-number, 128 + number))


def _last_line(path: Path) -> str:
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:_LONGEST]
