"""Measuring the splits of a data set, on one rank and on several."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from lvm_experiments.data import Data, Digits
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation import Evaluation, Measurement
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.measure import measure_splits
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import BinariseDynamic, Identity
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from tests.support.ranks import on_ranks

Numbers = dict[str, Measurement]


def digits() -> Data:
    return Digits(None, 50, 61, 33, 100).load()


def model_for(data: Data, *, hidden: int = 8) -> tuple[VAE, BinariseDynamic]:
    torch.manual_seed(3)
    observation = BinariseDynamic(data.spec)
    parts = (partial(MLPEncoder, hidden=[hidden]), DiagonalNormalPosterior, StandardNormalPrior)
    model = VAE(observation.spec, 3, *parts, partial(MLPDecoder, hidden=[hidden]), BernoulliLikelihood)
    return model, observation


def measured(**how: object) -> tuple[Numbers, dict[str, np.ndarray]]:
    torch.set_default_dtype(torch.float64)  # so that what is left is the order of sums
    data = digits()
    model, observation = model_for(data)
    evaluation = Evaluation(**{"num_samples": 7, "splits": ["val", "test"], **how})
    found, examples = measure_splits(evaluation, model, observation, data, evaluation.splits)
    return {m.name: m for m in found}, examples


@pytest.fixture(scope="module")
def alone() -> tuple[Numbers, dict[str, np.ndarray]]:
    try:
        return measured()
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("world", [2, 3])
def test_several_ranks_measure_what_one_does(world: int, alone: tuple[Numbers, dict[str, np.ndarray]]) -> None:
    """61 and 33 examples: no shards of the same size on two ranks, and none padded."""
    for numbers, examples in on_ranks(world, measured):
        assert numbers.keys() == alone[0].keys()
        for name, m in alone[0].items():
            assert numbers[name].examples == m.examples == (61 if name.startswith("val") else 33)
            assert numbers[name].value == pytest.approx(m.value, rel=0, abs=1e-9)
            errors = [x.standard_error or 0.0 for x in (numbers[name], m)]
            assert errors[0] == pytest.approx(errors[1], rel=0, abs=1e-9)
        for name, values in alone[1].items():
            assert np.allclose(examples[name], values, rtol=0, atol=1e-9), name


def few() -> tuple[Numbers, dict[str, np.ndarray]]:
    return measured(max_examples=1)


def test_a_rank_without_examples_takes_part() -> None:
    (numbers, examples), _ = on_ranks(2, few)
    assert numbers["val/nll"].examples == 1
    assert examples["test/index"].shape == (1,)


@pytest.mark.usefixtures("float64")
def test_the_splits_are_measured_as_asked_and_progress_is_told(alone: tuple[Numbers, dict[str, np.ndarray]]) -> None:
    data, told = digits(), []
    model, observation = model_for(data)
    evaluation = Evaluation(num_samples=7, batch_size=25)
    found, examples = measure_splits(
        evaluation, model, observation, data, ["val"], report_progress=lambda *what: told.append(what)
    )
    assert told == [("val", 25, 61), ("val", 50, 61), ("val", 61, 61)]
    assert {m.split for m in found} == {"val"}
    assert all(name.startswith("val/") for name in examples)
    assert {m.name: m.value for m in found}["val/nll"] == pytest.approx(alone[0]["val/nll"].value, abs=1e-9)


def test_a_part_of_a_split_is_the_same_part_every_time() -> None:
    data = digits()
    model, observation = model_for(data)
    evaluation = Evaluation(num_samples=2, max_examples=20)
    both = [measure_splits(evaluation, model, observation, data, ["val"])[1]["val/index"] for _ in range(2)]
    assert len(set(both[0].tolist())) == 20
    assert np.array_equal(*both)
    assert both[0].tolist() != list(range(20))  # the first ones might be of one kind


def test_what_cannot_be_measured_is_refused() -> None:
    data = digits()
    model, observation = model_for(data)
    with pytest.raises(RequestError, match=r"no split is called 'tst'; did you mean test\?"):
        measure_splits(Evaluation(), model, observation, data, ["tst"])
    with pytest.raises(RequestError, match=r"^data \(test\): BernoulliLikelihood .* the data hold "):
        measure_splits(Evaluation(), model, Identity(data.spec), data, ["test"])
