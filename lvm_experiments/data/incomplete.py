"""Hiding what is known, to learn from incomplete data and see how well the rest is guessed."""

from __future__ import annotations

__all__ = ["hide_cells", "hide_labels"]

import dataclasses

import numpy as np
import torch

from lvm_experiments.data.cut import seeded_permutation
from lvm_experiments.data.split import Split
from lvm_experiments.errors import RequestError


def hide_cells(split: Split, share: float, seed: int, *, chunk: int = 1000) -> Split:
    """A split with cells missing completely at random; of an image whole pixels, in all channels.

    What is hidden stays in x, to be compared with: the mask says that nobody has seen it. An example's cells do
    not depend on how many examples follow.

    Arguments:
        split: N examples.
        share: How probable it is that a cell is hidden.
        seed: Which cells.
        chunk: How many examples are drawn for at a time.

    Example:
        >>> half = hide_cells(Split(torch.zeros(100, 10)), 0.5, seed=0)
        >>> 0.4 < half.mask.double().mean() < 0.6
        tensor(True)
    """
    shape = tuple(split.x.shape[1:])
    shape = (1, *shape[1:]) if len(shape) == 3 else shape
    # numpy keeps this stream the same in every version.
    random = np.random.RandomState(seed)
    sizes = [min(chunk, len(split) - first) for first in range(0, len(split), chunk)]
    seen = torch.cat([torch.from_numpy(random.random_sample((n, *shape)) >= share) for n in sizes])
    if split.mask is None:
        return dataclasses.replace(split, mask=seen, hidden=~seen)
    return dataclasses.replace(split, mask=split.mask & seen, hidden=split.mask & ~seen)


def hide_labels(split: Split, number: int, classes: int, seed: int = 0) -> Split:
    """A split that keeps some labels, of all classes alike as far as they reach; the others become -1.

    Arguments:
        split: N examples with labels.
        number: How many labels are kept.
        classes: How many classes there are.
        seed: Of which examples.

    Raises:
        RequestError: There are no labels, fewer than asked for, or fewer asked for than there are classes.

    Example:
        >>> hide_labels(Split(torch.zeros(6, 1), torch.tensor([0, 0, 0, 1, 1, 1])), 2, classes=2).label.sort().values
        tensor([-1, -1, -1, -1,  0,  1])
    """
    if split.label is None or not classes:
        raise RequestError("the data have no labels to keep", where="data.labelled", hint="leave it null")
    known = int((split.label >= 0).sum())
    if not classes <= number <= known:
        raise RequestError(
            f"{number} of {known} training labels cannot be kept",
            where="data.labelled",
            hint=f"give a number from {classes}, one for each class, to {known}",
        )
    order = seeded_permutation(len(split), seed)
    turn = torch.full((len(split),), len(split))  # in which round of one label a class an example is chosen
    for value in range(classes):
        rows = order[split.label[order] == value]
        turn[rows] = torch.arange(len(rows))
    chosen = order[turn[order].argsort(stable=True)][:number]
    label = torch.full_like(split.label, -1)
    label[chosen] = split.label[chosen]
    return dataclasses.replace(split, label=label)
