"""Runs what a run folder asks for: `python -m lvm_experiments.job RUN_DIR [--allow MODULE ...]`.

An ordinary program with an ordinary command line, so that whatever starts a run's further
processes can start this again.
"""

from __future__ import annotations

__all__ = ["command", "guarded", "main", "run_folder", "starts_processes", "trust"]

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvm_experiments.errors import Interrupted, RequestError
from lvm_experiments.runs.launch import find_launch
from lvm_experiments.runs.rank import is_rank_zero

if TYPE_CHECKING:
    from lvm_experiments.runs.folder import RunFolder


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    words = list(sys.argv[1:] if words is None else words)

    def action() -> int:
        from lvm_experiments.runs.folder import RunFolder

        path, allow = _read(words)
        folder = RunFolder(path)
        return guarded(lambda: run_folder(folder, allow), folder)

    return guarded(action)


def run_folder(folder: RunFolder, allow: Sequence[str] = ()) -> None:
    """Runs the configuration that lies in a folder.

    Arguments:
        folder: Has a `config.yaml`.
        allow: Modules of the user's own that it may name. They are asked for again because the
            folder may be a stranger's.

    Raises:
        RequestError: The folder is no run's, or its configuration is wrong or names what it may
            not.
    """
    from lvm_experiments.configuration import check

    config = folder.read_config()
    trust(config, allow)
    check(config, allow)
    from lvm_experiments.experiment import run

    run(config, folder)


def trust(config: Mapping[str, Any], allow: Sequence[str]) -> None:
    """Refuses a stored configuration that lists modules nobody allowed now.

    Raises:
        RequestError: Names them.
    """
    listed = config.get("allow_targets") or []
    names = listed if isinstance(listed, list) else [listed]
    unknown = [str(name) for name in names if name not in allow]
    if unknown:
        text = ", ".join(unknown)
        raise RequestError(
            f"the folder asks for classes of {text}",
            where="allow_targets",
            hint=f"if you trust them, say allow_targets=[{text}], or --allow to the job",
        )


def guarded(action: Callable[[], object], folder: RunFolder | None = None) -> int:
    """Does something; an exception becomes one line on the terminal and an exit code.

    2 for a wrong request, 1 for a failed run, 128 and the signal's number for an interrupted one.
    Of several processes the first alone speaks.

    Arguments:
        action: An integer it returns is the exit code.
        folder: Where the traceback of a failed run lies.
    """
    try:
        result = action()
    except (RequestError, Interrupted) as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            return _say("interrupted", 130)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except Exception as error:  # noqa: BLE001 - the last stop of whatever went wrong
        text = next(iter(str(error).splitlines()), "")
        rank = os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_PROCID", "0")
        where = "" if folder is None else f"; the traceback is in {_traceback(folder, error)}"
        if rank != "0":
            # The first process waits for this one and is ended by force: nobody else knows why.
            print(f"process {rank}: {type(error).__name__}: {text}{where}", file=sys.stderr, flush=True)
        return _say(f"{type(error).__name__}: {text}{where}", 1)
    return result if isinstance(result, int) else 0


def starts_processes(trainer: Mapping[str, Any]) -> bool:
    """Whether training will start this program again for its further processes, not fork them.

    Arguments:
        trainer: The configuration of the trainer.

    Example:
        >>> [starts_processes({"devices": 2, "strategy": name}) for name in ("ddp", "ddp_fork")]
        [True, False]
    """
    if find_launch() is not None:  # something else has started all of them already
        return False
    strategy = trainer.get("strategy", "auto")
    if isinstance(strategy, Mapping):
        strategy = f"ddp_{strategy.get('start_method', 'popen')}"
    if any(word in strategy for word in ("fork", "spawn", "notebook", "single_device")):
        return False
    devices, nodes = trainer.get("devices", "auto"), trainer.get("num_nodes", 1)
    if isinstance(devices, str) and devices.strip("-").isdecimal():
        devices = int(devices)
    if isinstance(devices, list):
        return len(devices) > 1 or nodes > 1
    if devices in ("auto", -1):
        if trainer.get("accelerator", "auto") in ("cpu", "mps"):
            return bool(nodes > 1)
        import torch

        return torch.cuda.device_count() > 1 or nodes > 1
    return devices != 1 or nodes > 1


def command(folder: RunFolder, allow: Sequence[str] = ()) -> list[str]:
    """The command line that runs a folder."""
    flags = [word for name in allow for word in ("--allow", name)]
    return [sys.executable, "-m", "lvm_experiments.job", str(folder.path), *flags]


def _read(words: Sequence[str]) -> tuple[Path, list[str]]:
    rest, allow = list(words), []
    while "--allow" in rest[:-1]:
        place = rest.index("--allow")
        allow.append(rest[place + 1])
        del rest[place : place + 2]
    if len(rest) != 1 or rest[0].startswith("-"):
        raise RequestError(
            "one run folder is needed",
            hint="python -m lvm_experiments.job RUN_DIR [--allow MODULE]",
        )
    return Path(rest[0]), allow


def _say(text: str, code: int) -> int:
    if is_rank_zero():
        with suppress(OSError):  # nobody may be listening any more
            print(" ".join(text.split()), file=sys.stderr, flush=True)
    return code


def _traceback(folder: RunFolder, error: Exception) -> Path:
    """The file the run has written; where it could not get as far as that, it is written now."""
    if not folder.traceback.exists():
        import traceback

        with suppress(OSError):
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.traceback.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return folder.traceback


if __name__ == "__main__":
    sys.exit(main())
