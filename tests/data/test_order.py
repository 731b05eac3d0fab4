from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from lvm_experiments.data.order import epoch_order


@given(size=st.integers(1, 200), seed=st.integers(0, 10**9), epoch=st.integers(0, 10**6))
def test_it_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    assert sorted(epoch_order(size, seed, epoch).tolist()) == list(range(size))


def test_it_depends_on_seed_and_epoch_and_on_nothing_else() -> None:
    orders = [epoch_order(100, seed, epoch) for seed in range(3) for epoch in range(3)]
    torch.manual_seed(99)
    again = [epoch_order(100, seed, epoch) for seed in range(3) for epoch in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(orders, again, strict=True))
    assert len({tuple(order.tolist()) for order in orders}) == 9


def test_it_leaves_the_default_generator_alone() -> None:
    before = torch.get_rng_state()
    epoch_order(100, 0, 0)
    assert torch.equal(before, torch.get_rng_state())
