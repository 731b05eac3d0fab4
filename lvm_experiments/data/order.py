"""In which order the examples of an epoch come, and which of them a process gets."""

from __future__ import annotations

__all__ = ["epoch_order"]

from hashlib import blake2b

import torch
from torch import Tensor


def epoch_order(size: int, seed: int, epoch: int) -> Tensor:
    """A permutation of the examples that depends on seed and epoch only.

    So there is nothing to save for a resume but the epoch and the position in it, and no other
    use of random numbers can change the order.

    Arguments:
        size: The number of examples N.
        seed: The seed of the run.
        epoch: The number of the epoch.

    Returns:
        Numbers of examples, shape `(N,)`, int64.

    Example:
        >>> sorted(epoch_order(5, seed=0, epoch=3).tolist())
        [0, 1, 2, 3, 4]
    """
    # A hash, since seed + epoch would give (0, 1) and (1, 0) the same order.
    key = int.from_bytes(blake2b(f"{seed}/{epoch}".encode(), digest_size=7).digest(), "big")
    return torch.randperm(size, generator=torch.Generator().manual_seed(key))
