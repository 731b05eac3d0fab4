"""Autoregressive likelihoods in a model, and what they refuse."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import (
    AutoregressiveBernoulliLikelihood,
    AutoregressiveTokensLikelihood,
    Likelihood,
)
from lvm_experiments.models import VAE
from lvm_experiments.networks import GRUEncoder, MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec

SENTENCES = DataSpec("tokens", (4,), levels=3, words=("<eos>", "a", "b"))
tokens = partial(AutoregressiveTokensLikelihood, context=3, hidden=6, embedding=4)


def model() -> VAE:
    encoder, decoder = partial(GRUEncoder, hidden=6, embedding=4), partial(MLPDecoder, hidden=[])
    return VAE(SENTENCES, 2, encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, tokens)


@pytest.mark.usefixtures("float64")
def test_a_model_of_sentences_has_mass_1() -> None:
    """Over z, too: of each of the 31 sentences by importance sampling."""
    x = torch.cartesian_prod(*[torch.arange(3.0)] * 4)
    x = x[((x[:, 1:] == 0) | (x[:, :-1] != 0)).all(1)]
    lengths = 1 + (x != 0).sum(1).clamp_max(3)
    vae = model().eval()
    evidence = vae.evidence(Batch(x, lengths=lengths, index=torch.arange(31)), 2000, seed=0)
    error = (evidence.log_p.exp() * evidence.standard_error).square().sum().sqrt()
    assert len(x) == 31
    assert evidence.log_p.exp().sum() == pytest.approx(1, abs=4 * error.item())


def test_padding_changes_no_bit_of_a_model_s_numbers() -> None:
    vae, lengths = model().eval(), torch.tensor([2, 4, 3])
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 2.0, 2.0, 1.0], [2.0, 1.0, 0.0, 0.0]])
    found = []
    for filler in (0.0, 2.0, torch.nan):
        filled = torch.where(torch.arange(4) < lengths[:, None], x, filler)
        batch = Batch(filled, lengths=lengths, index=torch.arange(3))
        vae.likelihood.check(filled, batch.observed)
        found.append((vae.evidence(batch, 7, seed=0).log_p, vae.reconstruct(batch)))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_words_are_dropped_in_training_only() -> None:
    part = tokens(SENTENCES, word_dropout=0.5)
    assert part(torch.zeros(1, 1, 3)).word_dropout == 0.5
    assert part.eval()(torch.zeros(1, 1, 3)).word_dropout == 0


def test_a_step_that_is_missing_between_others_is_refused() -> None:
    x, part = torch.ones(2, 4), tokens(SENTENCES)
    part.check(x, torch.tensor([[True, True, False, False]]).expand(2, 4))
    with pytest.raises(ValueError, match="last steps are missing, not others"):
        part.check(x, torch.tensor([[True, False, True, True]]).expand(2, 4))


@pytest.mark.parametrize("spec", [DataSpec("tokens", (4,), levels=1), DataSpec("tokens", (4, 2), levels=5)])
def test_what_is_no_sequence_over_a_vocabulary_is_refused(spec: DataSpec) -> None:
    with pytest.raises(ValueError, match="sequences have shape"):
        tokens(spec)


def test_what_is_no_image_is_refused_with_likelihoods_that_take_it() -> None:
    with pytest.raises(RequestError, match=r"takes images.*shape \(5,\); choose model/likelihood=.*bernoulli"):
        AutoregressiveBernoulliLikelihood(DataSpec("binary", (5,), levels=2), 2, 1, 4)


def test_an_encoder_of_numbers_is_refused_for_tokens() -> None:
    with pytest.raises(RequestError, match=r"the observations are tokens; choose model/encoder=gru\|lstm\|transformer"):
        MLPEncoder(SENTENCES, hidden=[4])


def test_the_context_is_told_at_the_beginning_and_at_every_step() -> None:
    part = tokens(SENTENCES).eval()
    assert isinstance(part, Likelihood)
    x, raw = torch.tensor([[1.0, 1.0, 1.0, 1.0]]), torch.zeros(1, 1, 3)
    plain = part(raw).cell_log_prob(x)
    assert (part(raw + 1).cell_log_prob(x) != plain).all()
    for layer in part.network.first.parameters():
        layer.data.zero_()
    assert (part(raw + 1).cell_log_prob(x) != part(raw).cell_log_prob(x)).all()
