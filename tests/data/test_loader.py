from __future__ import annotations

from itertools import chain, islice
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lvm_experiments.batch import Batch
from lvm_experiments.data import IndexLoader, Split, StreamedSplit
from lvm_experiments.errors import RequestError

sizes = st.integers(1, 60)
batch_sizes = st.integers(1, 20)
worlds = st.integers(1, 6)
seeds = st.integers(0, 1000)


class Streamed(StreamedSplit):
    def __init__(self, size: int, bad: int | None = None) -> None:
        self.size, self.bad = size, bad

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int | None]:
        if row == self.bad:
            raise RequestError(f"example {row} cannot be read", where="data.path")
        return torch.tensor([10 * row]), row % 4


def held(size: int) -> Split:
    return Split(10 * torch.arange(size)[:, None], torch.arange(size) % 4)


def rows(batch: Batch) -> list[int]:
    assert batch.index is not None
    assert batch.x is not None
    assert batch.x.flatten().tolist() == [10 * i for i in batch.index.tolist()]
    return batch.index.tolist()


def epoch(loader: IndexLoader) -> list[list[int]]:
    return [rows(batch) for batch in loader]


@given(size=sizes, batch_size=batch_sizes, seed=seeds)
def test_every_epoch_has_every_example_once(size: int, batch_size: int, seed: int) -> None:
    loader = IndexLoader(held(size), batch_size, seed=seed, shuffle=True)
    epochs = [epoch(loader) for _ in range(3)]
    for number, batches in enumerate(epochs):
        assert sorted(chain(*batches)) == list(range(size))
        assert len(batches) == len(loader)
        assert all(len(batch) == batch_size for batch in batches[:-1])
        assert 1 <= len(batches[-1]) <= batch_size
        assert [loader.global_batch_length(p) for p in range(len(loader))] == [len(batch) for batch in batches], number
    if size > 20:
        assert epochs[0] != epochs[1] != epochs[2]


@given(size=sizes, batch_size=batch_sizes, world=worlds, killed_after=st.integers(0, 30))
def test_a_fixed_order_is_the_split_s_in_every_epoch(size: int, batch_size: int, world: int, killed_after: int) -> None:
    """Consecutive slices, of which ranks share each, and a killed one goes on where it was."""

    def new(rank: int = 0, world: int = 1) -> IndexLoader:
        return IndexLoader(held(size), batch_size, seed=3, shuffle=True, fixed_order=True, rank=rank, world=world)

    slices = [list(range(size))[i : i + batch_size] for i in range(0, size, batch_size)]
    loader = new()
    assert [epoch(loader), epoch(loader)] == [slices, slices]
    for rank in range(world):
        assert epoch(new(rank, world)) == [rows[rank::world] or rows[:1] for rows in slices]
    first, killed_after = new(), min(killed_after, len(slices) - 1)
    seen = [rows(batch) for batch in islice(first, killed_after)]
    second = new()
    second.load_state_dict(first.state_dict())
    assert seen + epoch(second) == slices


@given(size=sizes, batch_size=batch_sizes, seed=seeds, data=st.data())
def test_killed_anywhere_what_remains_is_the_same(size: int, batch_size: int, seed: int, data: st.DataObject) -> None:
    def new(world: int = 1, rank: int = 0) -> IndexLoader:
        return IndexLoader(held(size), batch_size, seed=seed, shuffle=True, world=world, rank=rank)

    whole, uninterrupted = new(), []
    for _ in range(3):
        uninterrupted += epoch(whole)
    killed_after = data.draw(st.integers(0, len(uninterrupted)))
    first = new()
    seen: list[list[int]] = []
    while len(seen) < killed_after:
        seen += [rows(batch) for batch in islice(first, killed_after - len(seen))]
    state = first.state_dict()
    assert state == {
        "epoch": max(0, killed_after - 1) // len(whole),
        "position": killed_after - max(0, killed_after - 1) // len(whole) * len(whole),
    }
    second = new()
    second.load_state_dict(state)
    while len(seen) < len(uninterrupted):
        seen += epoch(second)
    assert seen == uninterrupted


@given(size=sizes, batch_size=batch_sizes, seed=seeds, world=worlds)
def test_training_ranks_cut_the_same_global_batches(size: int, batch_size: int, seed: int, world: int) -> None:
    def new(rank: int, of: int) -> IndexLoader:
        return IndexLoader(held(size), batch_size, seed=seed, shuffle=True, rank=rank, world=of)

    alone = epoch(new(0, 1))
    loaders = [new(rank, world) for rank in range(world)]
    ranks = [epoch(loader) for loader in loaders]
    assert {len(batches) for batches in ranks} == {len(alone)}
    for position, whole in enumerate(alone):
        for rank, (loader, batches) in enumerate(zip(loaders, ranks, strict=True)):
            mine = whole[rank::world]
            assert batches[position] == (mine or whole[:1])
            assert loader.local_batch_length(position) == len(mine)
            assert loader.global_batch_length(position) == len(whole)
        lengths = [loader.local_batch_length(position) for loader in loaders]
        assert sum(lengths) == len(whole)


def test_weighted_rank_means_give_the_mean_of_the_global_batch() -> None:
    loaders = [IndexLoader(held(9), 4, seed=1, shuffle=True, rank=rank, world=3) for rank in range(3)]
    whole = epoch(IndexLoader(held(9), 4, seed=1, shuffle=True))
    assert [len(batch) for batch in whole] == [4, 4, 1]  # in the last one two ranks stand in
    for position, batches in enumerate(zip(*loaders, strict=True)):
        mean = sum(
            sum(rows(batch)) / len(batch) * loader.local_batch_length(position) / loader.global_batch_length(position)
            for loader, batch in zip(loaders, batches, strict=True)
        )
        assert mean == pytest.approx(sum(whole[position]) / len(whole[position]))


@given(size=sizes, batch_size=batch_sizes, world=worlds)
def test_evaluation_ranks_share_the_examples_in_order_and_double_none(size: int, batch_size: int, world: int) -> None:
    loaders = [IndexLoader(held(size), batch_size, rank=r, world=world) for r in range(world)]
    ranks = [epoch(loader) for loader in loaders]
    for rank, (loader, batches) in enumerate(zip(loaders, ranks, strict=True)):
        assert list(chain(*batches)) == list(range(rank, size, world))
        assert len(batches) == len(loader)
        for position, batch in enumerate(batches):
            assert loader.local_batch_length(position) == len(batch)
            assert loader.global_batch_length(position) == sum(
                len(other[position]) for other in ranks if position < len(other)
            )
    assert max(map(len, ranks)) - min(map(len, ranks)) <= 1


def test_an_evaluation_that_was_given_up_leaves_no_trace() -> None:
    loader = IndexLoader(held(10), 3)
    assert [rows(batch) for batch in islice(loader, 2)] == [[0, 1, 2], [3, 4, 5]]
    assert epoch(loader) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_a_limited_epoch_rolls_over_and_resumes() -> None:
    def new() -> IndexLoader:
        return IndexLoader(held(20), 3, shuffle=True, max_batches=2)

    loader = new()
    assert len(loader) == 2
    epochs = [epoch(loader) for _ in range(3)]
    full = IndexLoader(held(20), 3, shuffle=True)
    assert epochs == [epoch(full)[:2] for _ in range(3)]
    again = new()
    again.load_state_dict({"epoch": 0, "position": 2})
    assert [epoch(again), epoch(again)] == epochs[1:]


def test_streamed_batches_equal_held_ones_with_and_without_workers() -> None:
    for shuffle in (True, False):
        options: dict[str, Any] = {"seed": 3, "shuffle": shuffle, "rank": 1, "world": 2}
        expected = list(IndexLoader(held(23), 4, **options))
        for workers in (0, 2):
            loader = IndexLoader(Streamed(23), 4, num_workers=workers, **options)
            found = list(loader)
            assert len(found) == len(expected) == len(loader)
            for one, other in zip(found, expected, strict=True):
                assert rows(one) == rows(other)
                assert one.label is not None
                assert other.label is not None
                assert torch.equal(one.label, other.label)


def test_workers_do_not_run_ahead_of_the_position_nor_touch_the_noise() -> None:
    whole = epoch(IndexLoader(held(40), 4, shuffle=True))
    loader = IndexLoader(Streamed(40), 4, shuffle=True, num_workers=2)
    before = torch.get_rng_state()
    first = [rows(batch) for batch in islice(loader, 3)]
    assert torch.equal(before, torch.get_rng_state())
    assert loader.state_dict() == {"epoch": 0, "position": 3}
    again = IndexLoader(Streamed(40), 4, shuffle=True, num_workers=2)
    again.load_state_dict(loader.state_dict())
    assert first + epoch(again) == whole


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_example_is_one_line(workers: int) -> None:
    loader = IndexLoader(Streamed(8, bad=5), 2, num_workers=workers)
    with pytest.raises(RequestError) as caught:
        list(loader)
    assert str(caught.value) == "data.path: example 5 cannot be read"


@pytest.mark.parametrize("state", [(0, 4), (0, -1), (-1, 0)])
def test_a_position_of_other_data_is_refused(state: tuple[int, int]) -> None:
    loader = IndexLoader(held(9), 3, shuffle=True)
    with pytest.raises(RequestError, match="resume with the data"):
        loader.load_state_dict({"epoch": state[0], "position": state[1]})


def test_no_examples_are_refused() -> None:
    with pytest.raises(RequestError, match="no examples"):
        IndexLoader(held(0), 3)


def test_a_split_of_fewer_examples_than_ranks_gives_some_ranks_nothing_to_evaluate() -> None:
    loader = IndexLoader(held(2), 3, rank=2, world=3)
    assert len(loader) == 0
    assert epoch(loader) == []
