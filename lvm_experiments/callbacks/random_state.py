"""The state of every generator a run may draw from, as tensors and plain containers."""

from __future__ import annotations

__all__ = ["random_state", "restore_random_state"]

import random
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from lvm_experiments.processes import several_processes


def random_state() -> list[dict[str, Any]]:
    """The states of all processes of the run, by rank. All of them have to ask together.

    Example:
        >>> state = random_state()
        >>> first = torch.rand(2), random.random()
        >>> restore_random_state(state)
        >>> torch.equal(torch.rand(2), first[0]), random.random() == first[1]
        (True, True)
    """
    mine = _state()
    if not several_processes():
        return [mine]
    states: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(states, mine)
    return states


def restore_random_state(states: list[dict[str, Any]]) -> None:
    """Goes back to a state; does nothing for a process that the saved run did not have.

    Arguments:
        states: What `random_state` gave.
    """
    rank = dist.get_rank() if several_processes() else 0
    if rank >= len(states):
        return
    state = states[rank]
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    algorithm, keys, *rest = state["numpy"]
    np.random.set_state((algorithm, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    devices = [s.cpu() for s in state["cuda"]]
    if len(devices) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(devices)


def _state() -> dict[str, Any]:
    version, words, gauss = random.getstate()
    algorithm, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - libraries draw from it
    return {
        # As tensors: pickling hundreds of single numbers takes longer than all the rest.
        "python": [version, torch.tensor(words, dtype=torch.int64), gauss],
        "numpy": [algorithm, torch.tensor(keys, dtype=torch.int64), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }
