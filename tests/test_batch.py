from __future__ import annotations

import pytest
import torch

from lvm_experiments.batch import Batch


def test_wrap_keeps_a_batch_and_wraps_a_tensor() -> None:
    x = torch.zeros(3, 4)
    batch = Batch(x)
    assert Batch.wrap(batch) is batch
    assert Batch.wrap(x).x is x


def test_length_is_that_of_whatever_there_is() -> None:
    assert len(Batch(torch.zeros(3, 4))) == 3
    assert len(Batch(None, condition=torch.zeros(5, 2))) == 5
    with pytest.raises(ValueError, match="empty batch"):
        len(Batch(None))


def test_observed_is_the_mask_where_there_are_no_lengths() -> None:
    mask = torch.tensor([[True, False]])
    assert Batch(torch.zeros(1, 2)).observed is None
    assert Batch(torch.zeros(1, 2), mask=mask).observed is mask


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_observed_joins_mask_and_valid_steps_whatever_a_step_holds(shape: tuple[int, ...]) -> None:
    x, lengths = torch.zeros(shape), torch.tensor([1, 3])
    steps = torch.tensor([[True, False, False], [True, True, True]])
    valid = steps.reshape(2, 3, *[1] * (len(shape) - 2)).expand(shape)
    observed = Batch(x, lengths=lengths).observed
    assert observed is not None
    assert torch.equal(observed.expand(shape), valid)
    mask = torch.rand(shape) < 0.5
    both = Batch(x, mask=mask, lengths=lengths).observed
    assert both is not None
    assert torch.equal(both, mask & valid)


def test_lengths_without_observations_are_refused() -> None:
    with pytest.raises(ValueError, match="lengths without observations"):
        _ = Batch(None, lengths=torch.tensor([1])).observed


def test_to_and_replace_carry_every_field() -> None:
    fields = {
        "x": torch.zeros(2, 3),
        "mask": torch.ones(2, 3, dtype=torch.bool),
        "lengths": torch.tensor([1, 2]),
        "condition": torch.zeros(2, 1),
        "label": torch.tensor([0, 1]),
        "index": torch.tensor([4, 5]),
        "hidden": torch.zeros(2, 3, dtype=torch.bool),
    }
    batch = Batch(**fields)
    moved = batch.to("cpu")
    assert all(torch.equal(getattr(moved, name), value) for name, value in fields.items())
    assert set(fields) == set(Batch.__slots__)
    changed = batch.replace(x=torch.ones(2, 3))
    assert changed.index is batch.index
    assert changed.x is not None
    assert changed.x.sum() == 6
    assert batch.x is not None
    assert batch.x.sum() == 0
