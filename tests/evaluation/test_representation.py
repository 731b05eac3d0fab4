from __future__ import annotations

from functools import partial

import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.question import About
from lvm_experiments.evaluation.representation import RepresentationQuestion
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import Identity
from lvm_experiments.posteriors import DiagonalNormalPosterior, PlanarPosterior, Posterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec


@pytest.mark.parametrize(
    ("posterior", "words"),
    [
        (DiagonalNormalPosterior, "variance of posterior means above 0.01, of 3 dimensions"),
        (PlanarPosterior, "variance of posterior means, each over 64 draws, above 0.01, of 3 dimensions"),
    ],
)
def test_it_says_how_a_posterior_s_mean_was_found(posterior: type[Posterior], words: str) -> None:
    spec = DataSpec("binary", (6,), levels=2)
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[4])
    model = VAE(spec, 3, networks[0], posterior, StandardNormalPrior, networks[1], BernoulliLikelihood)
    with torch.no_grad():
        for p in model.encoder.parameters():
            p.mul_(10)
    x = (torch.rand(50, 6) < 0.5).float()
    question, observation = RepresentationQuestion(), Identity(spec)
    answers = question.per_example(model, observation, Batch(x, index=torch.arange(50)), x)
    about = About(model, observation, "test", 50)
    (found,) = question.summarise({name: v.detach().numpy() for name, v in answers.items()}, about)
    assert found.estimator == words
    assert 1 <= found.value <= 3
