"""The model's parts and how large they are, before training."""

from __future__ import annotations

__all__ = ["Summary"]

from typing import Any

from pytorch_lightning import callbacks
from pytorch_lightning.utilities.model_summary import get_human_readable_count
from rich.console import Console
from rich.table import Table

from lvm_experiments.types import NonNegativeInt


class Summary(callbacks.ModelSummary):
    """A table of parts, their classes and numbers of parameters.

    Lightning's own has a column of operations, which it counts with an example input that a model for batches with
    masks, lengths and conditions does not have: it says 0 of every part.

    Arguments:
        max_depth: How many levels of parts to show; 0 shows nothing.
    """

    def __init__(self, max_depth: NonNegativeInt = 2) -> None:
        super().__init__(max_depth)

    @staticmethod
    def summarize(
        summary_data: list[tuple[str, list[str]]],
        total_parameters: int,
        trainable_parameters: int,
        *_: Any,
        **__: Any,
    ) -> None:
        """Writes the table to the terminal."""
        columns = {name.strip(): values for name, values in summary_data}
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("part", no_wrap=True)
        table.add_column("class", no_wrap=True)
        table.add_column("parameters", justify="right")
        for row in zip(columns["Name"], columns["Type"], columns["Params"], strict=True):
            table.add_row(*row)
        fixed = total_parameters - trainable_parameters
        table.add_row("all", f"{_count(fixed)} not trained" if fixed else "", _count(total_parameters), style="bold")
        Console().print(table)


def _count(parameters: int) -> str:
    return get_human_readable_count(parameters).strip()
