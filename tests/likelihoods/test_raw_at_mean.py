"""Every likelihood that names raw parameters of the data's mean has that mean there."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.spec import DataSpec
from tests.support.members import buildable, members

MEANS = {
    "binary": torch.tensor([0.2, 0.5, 0.9]),
    "real": torch.tensor([-3.0, 0.0, 2.5]),
    "counts": torch.tensor([0.5, 3.0, 40.0]),
    "unit": torch.tensor([0.2, 0.5, 0.9]),
    "bytes": torch.tensor([1.0, 8.0, 15.5]),
}
LEVELS = {"binary": 2, "bytes": 17}
KINDS = [kind for kind in members("lvm_experiments.likelihoods", Likelihood) if kind.space in MEANS]
KNOWING = [
    "BernoulliLikelihood",
    "BetaBinomialLikelihood",
    "BinomialLikelihood",
    "GaussianLikelihood",
    "MultinomialLikelihood",
    "PoissonLikelihood",
    "PredictedGaussianLikelihood",
    "PredictedNegativeBinomialLikelihood",
    "StudentTLikelihood",
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_it_is_the_data_s_mean(kind: type[Likelihood]) -> None:
    mean = MEANS[kind.space]
    spec = DataSpec(kind.space, (3,), levels=LEVELS.get(kind.space, 0), mean=mean, std=torch.ones(3))
    try:
        likelihood = buildable(kind, given=1)(spec)
    except (RequestError, ValueError):
        pytest.skip("it is for other shapes")
    raw = likelihood.raw_at_mean()
    assert raw is not None or kind.__name__ not in KNOWING
    if raw is not None:
        assert raw.shape == likelihood.parameter_shape
        assert torch.allclose(likelihood(raw[None, None]).mean[0, 0], mean, rtol=1e-5, atol=1e-6)
    bare = buildable(kind, given=1)(spec.replace(mean=None, std=None))
    assert bare.raw_at_mean() is None
