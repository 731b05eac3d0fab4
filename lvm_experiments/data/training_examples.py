"""Training examples for the parts of a model that ask for some before training."""

from __future__ import annotations

__all__ = ["TrainingExamples"]

import torch

from lvm_experiments.batch import Batch
from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.observations import ObservationMap, observe


class TrainingExamples:
    """Called with n, gives n training examples in the likelihood's space; all of them for None.

    Which they are is a function of the seed, and fewer are the first of more.

    Arguments:
        split: The training split.
        observation: The map to the likelihood's space.
        seed: Of the choice, and of the map's noise.

    Example:
        >>> from lvm_experiments.observations import Identity
        >>> from lvm_experiments.spec import DataSpec
        >>> split = Split(torch.arange(10.0)[:, None])
        >>> examples = TrainingExamples(split, Identity(DataSpec("real", (1,))), seed=0)
        >>> torch.equal(examples(5).x[:2], examples(2).x), len(examples())
        (True, 10)
    """

    def __init__(self, split: Split | StreamedSplit, observation: ObservationMap, seed: int) -> None:
        self.split, self.observation, self.seed = split, observation, seed

    def __call__(self, n: int | None = None) -> Batch:
        order = torch.randperm(len(self.split), generator=torch.Generator().manual_seed(self.seed))
        return observe(self.observation, self.split.take(order[:n]), self.seed)
