"""What is asked of sequences, against a model whose steps are all alike."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import Evaluation
from lvm_experiments.likelihoods import AutoregressiveTokensLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import GRUEncoder, MLPDecoder
from lvm_experiments.observations import Identity
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec

SPEC = DataSpec("tokens", (4,), levels=5, words=("<eos>", "a", "b", "c", "d"))
X = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 0], [2, 1, 3, 1]])
LENGTHS = torch.tensor([2, 4, 4])


def report(logits: list[float]) -> dict[str, tuple[float, float | None, float | None]]:
    """Measured with a model of independent steps with these logits, whatever z."""
    encoder, decoder = partial(GRUEncoder, hidden=6, embedding=4), partial(MLPDecoder, hidden=[])
    tokens = partial(AutoregressiveTokensLikelihood, context=3, hidden=6, embedding=4)
    model = VAE(SPEC, 2, encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, tokens)
    for p in model.posterior.parameters():
        p.data.zero_()  # the prior itself
    model.likelihood.output.weight.data.zero_()  # type: ignore[union-attr]
    model.likelihood.output.bias.data = torch.tensor(logits)  # type: ignore[union-attr]
    batch = Batch(X.short(), lengths=LENGTHS, index=torch.arange(3))
    found = Evaluation(num_samples=3).measure(model, Identity(SPEC), [batch], "test")
    assert found.examples["steps"].tolist() == LENGTHS.tolist()
    return {m.name: (m.value, m.standard_error, m.monte_carlo_error) for m in found.measurements}


@pytest.mark.usefixtures("float64")
def test_the_perplexity_of_a_uniform_model_is_the_number_of_tokens() -> None:
    found = report([0.0] * 5)
    value, error, noise = found["test/perplexity"]
    assert value == pytest.approx(5, abs=1e-9)
    assert error == pytest.approx(0, abs=1e-6)
    assert noise == pytest.approx(0, abs=1e-6)
    assert found["test/nll"][0] == pytest.approx(10 / 3 * math.log(5))


@pytest.mark.usefixtures("float64")
def test_it_weighs_steps_alike_not_sequences() -> None:
    p = np.array([0.1, 0.5, 0.2, 0.15, 0.05])
    nll = [-np.log(p[row[:n]]).sum() for row, n in zip(X.numpy(), LENGTHS.tolist(), strict=True)]
    value, error, _ = report(np.log(p).tolist())["test/perplexity"]
    assert value == pytest.approx(np.exp(sum(nll) / 10))
    # By leaving out one example at a time.
    left_out = np.array([np.exp((sum(nll) - nll[i]) / (10 - LENGTHS[i].item())) for i in range(3)])
    jackknife = np.sqrt(2 / 3 * ((left_out - left_out.mean()) ** 2).sum())
    assert error == pytest.approx(jackknife, rel=0.5)


def test_accuracy_is_the_share_of_steps_of_the_most_probable_sequence() -> None:
    found = report([0.0, 1.0, 0.0, 0.0, 0.0])  # a a a a
    assert found["test/token_accuracy"][0] == pytest.approx((1 / 2 + 3 / 4 + 2 / 4) / 3)


def test_tokens_have_no_squared_errors_and_no_bits_per_dimension() -> None:
    found = report([0.0] * 5)
    assert "test/reconstruction_error" not in found
    assert "test/bits_per_dim" not in found


def test_other_data_have_no_steps() -> None:
    from lvm_experiments.likelihoods import BernoulliLikelihood
    from lvm_experiments.networks import MLPEncoder

    spec = DataSpec("binary", (4,), levels=2)
    networks = partial(MLPEncoder, hidden=[3]), partial(MLPDecoder, hidden=[3])
    model = VAE(spec, 2, networks[0], DiagonalNormalPosterior, StandardNormalPrior, networks[1], BernoulliLikelihood)
    batch = Batch(torch.zeros(3, 4), index=torch.arange(3))
    found = Evaluation(num_samples=3).measure(model, Identity(spec), [batch], "test")
    assert {"steps", "token_accuracy"}.isdisjoint(found.examples)
    assert "test/perplexity" not in {m.name for m in found.measurements}
