"""What every logger of a run can do, so that nobody has to ask which one it is."""

from __future__ import annotations

__all__ = [
    "ExampleLogger",
    "RunLogger",
    "build_loggers",
    "close_loggers",
    "experiment_tags",
    "log_examples",
    "log_figures",
    "log_results",
    "remembered",
    "require",
]

import logging
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pytorch_lightning.loggers import Logger

from lvm_experiments.errors import Interrupted, RequestError
from lvm_experiments.loggers.history import HistoryLogger
from lvm_experiments.runs.files import atomic_write
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.rank import is_rank_zero

if TYPE_CHECKING:
    from lvm_experiments.plots.pairs import ExamplePairs

_log = logging.getLogger(__name__)


@runtime_checkable
class RunLogger(Protocol):
    """A Lightning logger that also takes pictures and is closed with the run's exit code.

    Its class is given the run when it is built: `build(folder=RunFolder, config=dict)`, the
    configuration whole and resolved. It begins its own record at the first number and not before:
    under DDP it is built in processes that never log.
    """

    def log_figure(self, name: str, path: Path) -> None:
        """Shows a PNG file."""

    def close(self, exit_code: int) -> None:
        """Ends the record, with the exit code of the run."""


@runtime_checkable
class ExampleLogger(Protocol):
    """A logger that shows single examples."""

    def log_examples(self, pairs: ExamplePairs) -> None:
        """Shows images beside their reconstructions."""


def build_loggers(
    parts: Mapping[str, Callable[..., Logger] | None] | None,
    folder: RunFolder,
    config: Mapping[str, Any],
) -> list[Logger]:
    """The loggers of a run: metrics.csv always, and what was asked for.

    Arguments:
        parts: Partial loggers by name, as instantiated from the configuration; None for one left
            out.
        folder: The run's folder.
        config: The whole configuration, resolved.

    Raises:
        RequestError: A logger's package is not installed.
    """
    builders = (part for part in (parts or {}).values() if part is not None)
    return [HistoryLogger(folder), *(build(folder=folder, config=config) for build in builders)]


def log_results(loggers: Iterable[Logger], values: Mapping[str, float], step: int) -> None:
    """Gives final numbers to all loggers.

    Arguments:
        loggers: The Trainer's.
        values: Numbers by name, like `test/nll`.
        step: The number of steps trained: one more than the last step of the history.
    """
    for logger in loggers:
        logger.log_metrics(dict(values), step=step)
        logger.save()


def log_figures(loggers: Iterable[Logger], figures: Mapping[str, Path]) -> None:
    """Shows pictures in all loggers that show any.

    Arguments:
        loggers: The Trainer's.
        figures: PNG files by name.
    """
    for logger in loggers:
        if isinstance(logger, RunLogger):
            for name, path in figures.items():
                logger.log_figure(name, path)


def log_examples(loggers: Iterable[Logger], make: Callable[[], ExamplePairs | None]) -> None:
    """Shows images and their reconstructions in all loggers that show any. What fails is said and costs no run.

    Arguments:
        loggers: The Trainer's.
        make: Gives the images, None for data that cannot be looked at; not asked where no logger shows any.
    """
    shown = [logger for logger in loggers if isinstance(logger, ExampleLogger)]
    if not shown:
        return
    try:
        pairs = make()
        if pairs is not None:
            for logger in shown:
                logger.log_examples(pairs)
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - neither a picture nor a service is worth a run
        _log.warning("examples could not be shown: %s", " ".join(f"{type(error).__name__}: {error}".split()))


def close_loggers(loggers: Iterable[Logger], exit_code: int) -> None:
    """Closes all loggers. One that fails keeps neither the others nor the run from their end.

    Arguments:
        loggers: The Trainer's.
        exit_code: What the run will exit with.
    """
    for logger in loggers:
        if isinstance(logger, RunLogger):
            try:
                logger.close(exit_code)
            except Exception as error:  # noqa: BLE001 - a service may fail in any way
                _log.warning("%s could not be closed: %s", type(logger).__name__, error)


def require(module: str, *, extra: str) -> None:
    """Makes sure that an optional package is there.

    Arguments:
        module: What is imported.
        extra: The extra of this package that installs it.

    Raises:
        RequestError: It is not installed.
    """
    if find_spec(module) is None:
        raise RequestError(
            f"{module} is not installed",
            where=f"logger={extra}",
            hint=f"pip install 'lvm_experiments[{extra}]'",
        )


def remembered(path: Path, make: Callable[[], str]) -> str:
    """The content of a small file, made the first time: an identity that outlives the process.

    Arguments:
        path: The file.
        make: Gives a new content.
    """
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    content = make()
    if is_rank_zero():
        atomic_write(path, content + "\n")
    return content


def experiment_tags(config: Mapping[str, Any]) -> list[str]:
    """The words a run is found by."""
    return list(dict.fromkeys([*(config.get("tags") or []), *(config.get("extra_tags") or [])]))
