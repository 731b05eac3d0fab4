"""Trap 5: draws of grey levels, and test sets that stay what they are."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.observations import (
    BinariseDynamic,
    BinariseStatic,
    BinariseThreshold,
    observe,
)
from lvm_experiments.spec import DataSpec

LEVELS = 17
SPEC = DataSpec("bytes", (LEVELS,), levels=LEVELS, mean=torch.full((LEVELS,), 8.0))
RAMP = torch.arange(LEVELS, dtype=torch.uint8)
GREY = RAMP / (LEVELS - 1)


def shown(kind: object, n: int, *, seed: int | None, start: int = 0) -> torch.Tensor:
    batch = Batch(RAMP.expand(n, -1), index=start + torch.arange(n))
    x = observe(kind, batch, seed).x  # type: ignore[arg-type]
    assert x is not None
    return x


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("kind", [BinariseDynamic, BinariseStatic])
def test_means_match_the_grey_levels(kind: type, seed: int | None) -> None:
    """Each level within 5 standard errors of 40,000 examples; black stays black and white white."""
    x = shown(kind(SPEC), 40_000, seed=seed)
    assert set(x.unique().tolist()) == {0.0, 1.0}
    error = (GREY * (1 - GREY) / 40_000).sqrt()
    assert ((x.mean(0) - GREY).abs() <= 5 * error).all()
    assert (x[:, 0] == 0).all()
    assert (x[:, -1] == 1).all()


def test_the_mean_over_epochs_matches_each_example_s_grey_levels() -> None:
    """Dynamic: 4,000 epochs of one example, 5 standard errors."""
    dynamic, batch = BinariseDynamic(SPEC), Batch(RAMP.expand(3, -1), index=torch.arange(3))
    total = torch.zeros(3, LEVELS)
    for _ in range(4000):
        x = observe(dynamic, batch).x
        assert x is not None
        total += x
    error = (GREY * (1 - GREY) / 4000).sqrt()
    assert ((total / 4000 - GREY).abs() <= 5 * error).all()


def test_training_sees_new_draws_and_evaluation_the_same_ones() -> None:
    dynamic = BinariseDynamic(SPEC)
    assert not torch.equal(shown(dynamic, 50, seed=None), shown(dynamic, 50, seed=None))
    assert torch.equal(shown(dynamic, 50, seed=3), shown(dynamic, 50, seed=3))
    assert not torch.equal(shown(dynamic, 50, seed=3), shown(dynamic, 50, seed=4))


@pytest.mark.parametrize("size", [1, 7, 50])
def test_the_test_set_does_not_depend_on_batch_size_or_order(size: int) -> None:
    whole = shown(BinariseDynamic(SPEC), 50, seed=0)
    order = torch.randperm(50)
    for index in order.split(size):
        x = observe(BinariseDynamic(SPEC), Batch(RAMP.expand(len(index), -1), index=index), 0).x
        assert x is not None
        assert torch.equal(x, whole[index])


@pytest.mark.parametrize("seed", [None, 0, 9])
def test_a_static_draw_is_the_same_in_training_and_evaluation(seed: int | None) -> None:
    static = BinariseStatic(SPEC, seed=2)
    first = shown(static, 50, seed=None)
    torch.rand(5)
    assert torch.equal(shown(static, 50, seed=seed), first)
    assert torch.equal(shown(BinariseStatic(SPEC, seed=2), 20, seed=seed, start=30), first[30:])
    assert not torch.equal(shown(BinariseStatic(SPEC, seed=3), 50, seed=None), first)


def test_a_static_draw_is_not_the_dynamic_one_of_the_same_seed() -> None:
    one, other = shown(BinariseStatic(SPEC, seed=0), 5000, seed=0), shown(BinariseDynamic(SPEC), 5000, seed=0)
    middle = slice(4, 13)
    r = torch.corrcoef(torch.stack([(x[:, middle] - GREY[middle]).flatten() for x in (one, other)]))[0, 1]
    assert abs(r) < 5 / one[:, middle].numel() ** 0.5


def test_a_static_draw_needs_the_examples_numbers() -> None:
    with pytest.raises(ValueError, match="examples' numbers"):
        BinariseStatic(SPEC)(RAMP[None])
    with pytest.raises(ValueError, match="examples' numbers"):
        observe(BinariseDynamic(SPEC), Batch(RAMP[None]), seed=0)


def test_a_threshold_is_exceeded_or_not() -> None:
    x = BinariseThreshold(SPEC, threshold=0.5)(RAMP[None])
    assert torch.equal(x[0], (GREY > 0.5).float())
    assert x[0, 8] == 0  # 8 / 16 does not exceed a half


@pytest.mark.parametrize("kind", [BinariseDynamic, BinariseStatic, BinariseThreshold])
def test_binary_data_stay_what_they_are_and_lose_nothing(kind: type) -> None:
    source = DataSpec("binary", (4,), levels=2)
    part, x = kind(source), torch.tensor([[0, 1, 1, 0]])
    assert torch.equal(part(x), x.float())
    assert part.lossless
    assert part.log_det() == 0.0
    assert part.description == "binary"


def test_means_are_given_back_as_grey_levels() -> None:
    part = BinariseDynamic(SPEC)
    assert torch.equal(part.inverse(GREY[None])[0], RAMP.float())
    assert part.inverse(torch.full((1, LEVELS), 0.5)).unique().item() == 8
    assert part.log_det() is None
    assert part.spec.mean is not None
    assert torch.allclose(part.spec.mean, torch.full((LEVELS,), 0.5))


def test_descriptions_tell_measured_spaces_apart() -> None:
    maps = [BinariseDynamic(SPEC), BinariseStatic(SPEC), BinariseStatic(SPEC, seed=1)]
    maps += [BinariseThreshold(SPEC), BinariseThreshold(SPEC, threshold=0.2)]
    assert len({m.description for m in maps}) == 5
