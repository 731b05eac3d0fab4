"""Looking at a model without leaving a trace."""

from __future__ import annotations

__all__ = ["at_rest"]

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from lvm_experiments.noise import seed_step


@contextmanager
def at_rest(model: nn.Module, seed: int) -> Iterator[None]:
    """Inside: evaluation mode, no gradients, noise from `seed`. Afterwards all is as it was.

    Arguments:
        model: The model; each of its modules gets its own mode back.
        seed: Of torch's default generators, whose states are put back.

    Example:
        >>> before = torch.get_rng_state()
        >>> with at_rest(torch.nn.Dropout(), seed=0):
        ...     noise = torch.randn(3)
        >>> torch.equal(before, torch.get_rng_state())
        True
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    modes = {module: module.training for module in model.modules()}
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), torch.no_grad():
        seed_step(seed, 0, device=device)
        model.eval()
        try:
            yield
        finally:
            for module, training in modes.items():
                module.training = training
