"""What a person sees while waiting, and what the run's log keeps of it."""

from __future__ import annotations

__all__ = ["EvaluationBar", "logged"]

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.rank import is_rank_zero

# Said of every run, and of nothing a user could change here: batches are cut by index and sums are reduced by hand.
_NOISE = (
    r".*does not have many workers.*",
    r".*recommended to use `self.log.*sync_dist.*",
    r".*`srun` command is available.*",
    r".*litlogger.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*exists and is not empty.*",
    r".*smaller than the logging interval.*",
    r".*`broadcast_buffers` is deprecated.*",
    r".*GPU available but not used.*",
    r".*lr_scheduler.step\(\)` before `optimizer.step\(\)`.*",
    r".*is not supported by the model summary.*",
)


@contextmanager
def logged(folder: RunFolder) -> Iterator[None]:
    """Inside, what the program and its libraries have to say goes to `run.log`, warnings to the terminal as well."""
    root = logging.getLogger()
    libraries = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "torch")]
    levels = {logger: logger.level for logger in (root, *libraries)}
    handlers: list[logging.Handler] = []
    if is_rank_zero():
        # The folder may not be writable; who owns it says so.
        folder.create()
        file = logging.FileHandler(folder.log, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        terminal = logging.StreamHandler()
        terminal.setLevel(logging.WARNING)
        terminal.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        handlers = [file, terminal]
    before = list(root.handlers)
    root.handlers = handlers
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    quiet = _Quiet()
    for handler in handlers:
        handler.addFilter(quiet)
    # They write to the terminal themselves unless told otherwise.
    their_own = {logger: (logger.handlers, logger.propagate) for logger in libraries}
    for logger in libraries:
        logger.handlers, logger.propagate = [], True
    for logger in libraries[:2]:
        logger.setLevel(
            logging.INFO
        )  # whatever ran before in this process; torch's are many, with handlers of their own
    try:
        with warnings.catch_warnings():
            for text in _NOISE:
                warnings.filterwarnings("ignore", message=text)
            yield
    finally:
        logging.captureWarnings(False)
        root.handlers = before
        for logger, (its_own, propagates) in their_own.items():
            logger.handlers, logger.propagate = its_own, propagates
        for logger, level in levels.items():
            logger.setLevel(level)
        for handler in handlers:
            handler.close()


class _Quiet(logging.Filter):
    """Drops advertisements, and what is only a consequence of an error that is reported as one."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return not any(words in text for words in ("litlogger", "Tip:", "Terminating process"))


class EvaluationBar:
    """How far an evaluation is: a bar in a terminal, a line now and then elsewhere.

    Arguments:
        line_seconds: The least time between two lines.
    """

    def __init__(self, line_seconds: float = 10.0) -> None:
        self.console = Console(stderr=True)
        self.line_seconds, self.said = line_seconds, time.monotonic()
        self.bar: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> EvaluationBar:
        if is_rank_zero() and self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def update(self, split: str, done: int, total: int) -> None:
        """Moves the bar of a split."""
        if self.bar is not None:
            if split not in self.tasks:
                self.tasks[split] = self.bar.add_task(f"evaluating {split}", total=total)
            self.bar.update(self.tasks[split], completed=done)
        elif is_rank_zero() and time.monotonic() - self.said >= self.line_seconds:
            self.said = time.monotonic()
            self.console.print(f"evaluating {split}  {done}/{total}", highlight=False)
