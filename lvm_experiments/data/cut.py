"""Cutting one set of examples into several."""

from __future__ import annotations

__all__ = ["complete", "cut", "seeded_permutation", "share"]

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.errors import RequestError

S = TypeVar("S", Split, StreamedSplit)


def cut(split: S, last: int, *, where: str, minimum: int = 1) -> tuple[S, S]:
    """All but the last examples, and the last ones: how papers cut validation from training.

    Arguments:
        split: N examples.
        last: How many to cut off.
        where: The configuration key that asked for it.
        minimum: How few must be left.

    Raises:
        RequestError: Too many were asked for, or none.

    Example:
        >>> rest, off = cut(Split(torch.arange(5)), 2, where="data.validation")
        >>> rest.x.tolist(), off.x.tolist()
        ([0, 1, 2], [3, 4])
    """
    kept = len(split) - last
    if last < 1 or kept < minimum:
        raise RequestError(
            f"{last} examples cannot be cut from {len(split)}",
            where=where,
            hint=f"give a number from 1 to {max(1, len(split) - minimum)}",
        )
    rows = torch.arange(len(split))
    return split.select(rows[:kept]), split.select(rows[kept:])


def seeded_permutation(size: int, seed: int) -> Tensor:
    """A permutation that is the same in every version of every library.

    numpy keeps the stream of RandomState as it is; other generators may change theirs, and a split
    that changed between versions would make two numbers of the same name incomparable.

    Arguments:
        size: The number of examples N.
        seed: Which permutation.

    Returns:
        Numbers of examples, shape `(N,)`, int64.
    """
    return torch.from_numpy(np.random.RandomState(seed).permutation(size).astype(np.int64))


def share(amount: float, size: int, *, where: str) -> int:
    """How many examples are meant: below 1 a share of all, from 1 on a count.

    Arguments:
        amount: A share or a count.
        size: What a share is of.
        where: The configuration key that asked for it.

    Raises:
        RequestError: A count that is not whole.

    Example:
        >>> share(0.1, 500, where="data.test"), share(20, 500, where="data.test")
        (50, 20)
    """
    if amount < 1:
        return round(amount * size)
    if amount != int(amount):
        hint = "give a share below 1 or a whole number"
        raise RequestError(f"{amount:g} is neither a share nor a count", where=where, hint=hint)
    return int(amount)


def complete(
    train: S,
    val: S | None,
    test: S | None,
    *,
    validation: float,
    testing: float,
    seed: int,
) -> tuple[S, S, S]:
    """Cuts the splits that are missing from the training examples, after a seeded shuffle.

    Arguments:
        train: All examples that have no split of their own.
        val: The validation split, where there is one.
        test: The test split, where there is one.
        validation: The share or number of `train` to validate on, where `val` is missing.
        testing: The share or number of `train` to test on, where `test` is missing.
        seed: Of the shuffle.

    Raises:
        RequestError: Too many were asked for, or none.
    """
    if val is not None and test is not None:
        return train, val, test
    size = len(train)
    train = train.select(seeded_permutation(size, seed))
    if test is None:
        last = share(testing, size, where="data.test")
        train, test = cut(train, last, where="data.test")
    if val is None:
        last = share(validation, size, where="data.validation")
        train, val = cut(train, last, where="data.validation")
    return train, val, test
