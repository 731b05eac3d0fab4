"""Sends the offline W&B runs below a folder: `python -m lvm_experiments.sync outputs/sweeps/NAME`.

`wandb sync`, for all of them at once, each piece of a run once, in the order they were written in. By itself
`wandb sync` does not note that the piece of a killed run was sent, and sends it again and again; and it ends with
exit code 0 whether or not the server took anything.
"""

from __future__ import annotations

__all__ = ["main", "sync_runs"]

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.job import guarded
from lvm_experiments.runs.account import has_wandb_key
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.status import read_status

_USAGE = "python -m lvm_experiments.sync outputs/sweeps/NAME"
_SENT = ".synced"  # what wandb itself puts beside what it has sent
_CUT_SHORT = "the file ends with an incomplete record"  # what it says of a piece that was sent as far as it goes


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    return guarded(lambda: _main(list(sys.argv[1:] if words is None else words)))


def _main(words: list[str]) -> None:
    if any(word in ("-h", "--help") for word in words):
        print(f"Sends the offline W&B runs below a folder.\n  {_USAGE}")
        return
    if len(words) != 1:
        raise RequestError("one folder is needed", hint=_USAGE)
    sync_runs(Path(words[0]).expanduser())


def sync_runs(root: Path) -> list[Path]:
    """Sends what has not been sent; runs that are going on are left for later.

    Arguments:
        root: A folder of runs, at any depth.

    Returns:
        The pieces that were sent.

    Raises:
        RequestError: There is no such folder, or no API key.
        RunError: Not everything was sent; what was is noted all the same.
    """
    if not root.is_dir():
        raise RequestError("there is no such folder", where=str(root), hint=_USAGE)
    found = sorted(root.rglob("offline-run-*/run-*.wandb"), key=lambda path: path.parent.name)
    found = [path for path in found if not path.with_name(path.name + _SENT).exists()]
    going = {path.parents[2] for path in found if _is_going_on(path.parents[2])}
    pieces = [path for path in found if path.parents[2] not in going]
    later = f"{len(going)} run{' is' if len(going) == 1 else 's are'} still going on" if going else ""
    if not pieces:
        print("nothing to send" + (f", {later}" if later else ""))
        return []
    if not has_wandb_key():
        raise RequestError("no W&B API key is configured", where="wandb", hint="`wandb login` asks for one")
    sent = _send(pieces)
    if len(sent) < len(pieces):
        what = f"{len(pieces) - len(sent)} of {len(pieces)} pieces were not sent"
        raise RunError(f"{what}; the words of `wandb sync` are above", where=str(root), hint="try again")
    runs = len({path.parents[2] for path in pieces})
    print(f"{len(pieces)} pieces of {runs} runs sent" + (f", {later}" if later else ""))
    return pieces


def _send(pieces: Sequence[Path]) -> list[Path]:
    """Those that the server took, each with the mark that says so."""
    program = Path(sys.executable).with_name("wandb")
    words: list[str | Path] = [program, "sync", *(path.parent.absolute() for path in pieces)]
    env = {**os.environ, "WANDB_SILENT": "false", "WANDB_QUIET": "false"}  # what it says is needed
    short = []
    with (
        TemporaryDirectory() as aside,  # wandb keeps a log where it is called
        subprocess.Popen(words, cwd=aside, env=env, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            if _CUT_SHORT in line:
                short.append(line)
    marks = {path: path.with_name(path.name + _SENT) for path in pieces}
    for path, mark in marks.items():
        if any(path.parent.name in line for line in short):
            mark.touch()
    return [path for path, mark in marks.items() if mark.exists()]


def _is_going_on(path: Path) -> bool:
    folder = RunFolder(path)
    return folder.status.exists() and read_status(folder)["state"] == "running"


if __name__ == "__main__":
    sys.exit(main())
