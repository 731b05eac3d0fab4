"""Batches by index, in an order that survives being killed."""

from __future__ import annotations

__all__ = ["IndexLoader"]

from collections.abc import Iterator
from math import ceil
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lvm_experiments.batch import Batch
from lvm_experiments.data.order import epoch_order
from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.errors import RequestError


class IndexLoader:
    """Batches of a split; what comes next is a function of (seed, epoch, position).

    With `shuffle` (training) the global batch number `p` of an epoch is
    `order[p * batch_size : (p + 1) * batch_size]` for the permutation `order` of (seed, epoch),
    and rank `r` of `world` gets its rows `r::world`. All ranks have the same number of batches;
    where the last global batch has fewer rows than there are ranks, a rank without rows gets the
    first one as a stand-in, which has to weigh nothing: a mean over the global batch is the sum
    over ranks of the mean over local rows times `local_batch_length(p) / global_batch_length(p)`.

    Without `shuffle` (evaluation) rank `r` gets the examples `r::world` in order, none of them
    twice, in batches of `batch_size / world`; ranks may differ by one batch. Each iteration begins
    at the first example, so that one that was given up leaves no trace.

    `__len__` is needed: without it Lightning fetches a batch ahead, and a saved position is one
    too far. Streamed splits may be read by workers, which changes neither order nor position.

    Arguments:
        split: The examples.
        batch_size: Examples in a global batch, over all ranks.
        seed: Of the order.
        shuffle: A new order for each epoch; otherwise the split's own.
        fixed_order: With `shuffle`, the split's own order in every epoch; an epoch of fewer batches has the first.
        rank: The number of this process.
        world: How many processes share a global batch.
        num_workers: Processes that read a streamed split; 0 reads in this one. Splits in memory
            need none and ignore it.
        max_batches: End an epoch after this many batches (a limited training); the next epoch has
            another order.

    Raises:
        RequestError: There are no examples.

    Example:
        >>> loader = IndexLoader(Split(torch.arange(5)), batch_size=2)
        >>> [batch.x.tolist() for batch in loader]
        [[0, 1], [2, 3], [4]]
        >>> loader.state_dict()
        {'epoch': 0, 'position': 3}
    """

    def __init__(
        self,
        split: Split | StreamedSplit,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = False,
        fixed_order: bool = False,
        rank: int = 0,
        world: int = 1,
        num_workers: int = 0,
        max_batches: int | None = None,
    ) -> None:
        if len(split) == 0:
            raise RequestError("there are no examples", where="data")
        self.split, self.batch_size, self.seed, self.shuffle = split, batch_size, seed, shuffle
        self.fixed_order = fixed_order
        self.rank, self.world, self.num_workers = rank, world, num_workers
        self.max_batches = max_batches
        self.epoch = 0
        self.position = 0

    def __len__(self) -> int:
        if self.shuffle:
            batches = ceil(len(self.split) / self.batch_size)
        else:
            batches = ceil(self._share(self.rank) / self._local_size)
        return batches if self.max_batches is None else min(batches, self.max_batches)

    def __iter__(self) -> Iterator[Batch]:
        # First and not after the last yield, where nothing runs any more.
        if self.position >= len(self):
            self.epoch, self.position = self.epoch + 1, 0
        elif not self.shuffle:
            self.position = 0
        for batch in self._fetch(self._plan(self.position)):
            self.position += 1
            yield batch

    def global_batch_length(self, position: int) -> int:
        """Examples in a global batch, over all ranks.

        Arguments:
            position: The number of the batch in its epoch, from 0.
        """
        if self.shuffle:
            return min(self.batch_size, len(self.split) - position * self.batch_size)
        return sum(self._piece(rank, position) for rank in range(self.world))

    def local_batch_length(self, position: int) -> int:
        """Examples of a global batch that are this rank's; 0 where it got a stand-in.

        Arguments:
            position: The number of the batch in its epoch, from 0.
        """
        if self.shuffle:
            return len(range(self.rank, self.global_batch_length(position), self.world))
        return self._piece(self.rank, position)

    def state_dict(self) -> dict[str, int]:
        """Where the loader is: the epoch, and the batches of it that were handed out."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where another loader of the same split was.

        Arguments:
            state: What `state_dict` gave.

        Raises:
            RequestError: The position is beyond the end of an epoch: the data were others.
        """
        epoch, position = int(state["epoch"]), int(state["position"])
        if epoch < 0 or not 0 <= position <= len(self):
            raise RequestError(
                f"a saved position (epoch {epoch}, batch {position}) is not one of an epoch of {len(self)} batches",
                where="data",
                hint="resume with the data and batch size the run began with",
            )
        self.epoch, self.position = epoch, position

    @property
    def _local_size(self) -> int:
        return max(1, self.batch_size // self.world)

    def _share(self, rank: int) -> int:
        return len(range(rank, len(self.split), self.world))

    def _piece(self, rank: int, position: int) -> int:
        return max(0, min(self._local_size, self._share(rank) - position * self._local_size))

    def _plan(self, first: int) -> Iterator[Tensor]:
        """Rows of the batches from number `first` to the end of the epoch."""
        if self.shuffle:
            size = len(self.split)
            order = torch.arange(size) if self.fixed_order else epoch_order(size, self.seed, self.epoch)
            for position in range(first, len(self)):
                rows = order[position * self.batch_size : (position + 1) * self.batch_size]
                mine = rows[self.rank :: self.world]
                yield mine.contiguous() if len(mine) else rows[:1]
        else:
            mine = torch.arange(len(self.split))[self.rank :: self.world]
            yield from mine.split(self._local_size)[first : len(self)]

    def _fetch(self, plan: Iterator[Tensor]) -> Iterator[Batch]:
        if isinstance(self.split, Split) or self.num_workers == 0:
            yield from map(self.split.take, plan)
            return
        # A generator of its own: the DataLoader would draw its workers' seed from the default one,
        # and so change the training noise of a run with workers.
        batches = DataLoader(
            _Rows(self.split),
            sampler=list(plan),
            batch_size=None,
            num_workers=self.num_workers,
            generator=torch.Generator().manual_seed(self.seed),
        )
        for batch in batches:
            if isinstance(batch, RequestError):
                raise batch
            yield batch


class _Rows(Dataset[Any]):
    """A streamed split as workers see it: a tensor of rows gives a batch."""

    def __init__(self, split: StreamedSplit) -> None:
        self.split = split

    def __getitem__(self, rows: Tensor) -> Batch | RequestError:
        try:
            return self.split.take(rows)
        except RequestError as error:
            # Handed over: one that is raised in a worker arrives with a traceback in its text.
            return error
