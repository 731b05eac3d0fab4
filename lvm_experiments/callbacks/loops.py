"""Where Lightning's training loop stands, and how a checkpoint of it goes on to the same numbers.

The loop's own bookkeeping restores most of what it was doing. These functions are for the rest,
which was found by comparing resumed runs with uninterrupted ones, bit by bit (Lightning 2.6).
"""

from __future__ import annotations

__all__ = [
    "between_epochs",
    "can_save_here",
    "close_epoch",
    "continue_after_epoch",
    "continue_epoch",
    "logged_steps",
    "updates",
]

from typing import Any

from pytorch_lightning import Trainer


def can_save_here(trainer: Trainer) -> bool:
    """Whether a checkpoint taken at the end of this training batch can be gone on from exactly.

    It cannot where gradients are half accumulated, which no checkpoint holds, nor where a
    validation or the end of the epoch comes next, which a resumed loop would leave out.
    """
    loop, fetcher = trainer.fit_loop.epoch_loop, trainer.fit_loop._data_fetcher
    assert fetcher is not None
    return not (loop._should_accumulate() or loop._is_training_done or loop._should_check_val_fx(fetcher))


def updates(trainer: Trainer) -> int:
    """How many updates there were; Lightning's own count is of the steps of every optimiser."""
    return trainer.global_step // max(1, len(trainer.optimizers))


def between_epochs(trainer: Trainer) -> bool:
    """Whether the loop stands between two epochs, or after the last one."""
    progress: Any = trainer.fit_loop.epoch_progress.current
    return progress.started == progress.processed


def close_epoch(trainer: Trainer, checkpoint: dict[str, Any]) -> None:
    """Makes a checkpoint taken between epochs one of the end of the finished epoch.

    The loop has counted the next epoch as ready already, and would begin it in the middle.
    """
    if between_epochs(trainer):
        progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
        for counts in progress.values():
            counts["ready"] = counts["started"]


def continue_after_epoch(trainer: Trainer) -> None:
    """Lets a loop that was restored between epochs begin the next one as if it had never stopped.

    It would not restore the loader, which then repeats the order of the first epoch; and with
    `max_steps` it takes every checkpoint for one of the middle of an epoch.
    """
    loop = trainer.fit_loop
    loader, fetcher = loop._combined_loader, loop._data_fetcher
    if not loop.is_resuming or loader is None or fetcher is None:
        return
    if loop._combined_loader_states_to_load:
        loader._load_state_dicts(loop._combined_loader_states_to_load)
        loop._combined_loader_states_to_load = []
    iter(fetcher)
    loop.epoch_loop.restarting = False
    # Past the setter, which leaves it set where there are `max_steps`.
    loop._restarting = False


def continue_epoch(trainer: Trainer) -> None:
    """Lets the end of an epoch that was resumed in its middle be like that of any other.

    The loop would not step schedulers that watch a metric, since it might lack the metric; here an
    epoch never ends on a resumed loop without the validation that belongs to it.
    """
    trainer.fit_loop._restarting = False


def logged_steps(trainer: Trainer) -> int:
    """The first step whose row of metrics a checkpoint taken now does not include."""
    steps = trainer.fit_loop.epoch_loop._batches_that_stepped
    # At the end of a batch, its own step is counted only after the callbacks.
    return steps if between_epochs(trainer) else steps + 1
