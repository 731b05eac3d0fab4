"""A function on several processes that talk to each other, as under DDP on CPUs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from tests.support.program import FORKS


def on_ranks(world: int, function: Callable[..., Any], *given: Any) -> list[Any]:
    """What a function of a module gives on each of the ranks.

    Arguments:
        world: How many ranks.
        function: Called with `given`; what it returns is saved by torch.
        given: Its arguments.
    """
    folder = Path(tempfile.mkdtemp(prefix="ranks_"))
    processes = [FORKS.Process(target=_rank, args=(r, world, folder, function, given)) for r in range(world)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * world
    results = [torch.load(folder / str(rank), weights_only=False) for rank in range(world)]
    shutil.rmtree(folder)
    return results


def _rank(rank: int, world: int, folder: Path, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    result = function(*given)
    distributed.barrier()
    torch.save(result, folder / str(rank))
    distributed.destroy_process_group()
