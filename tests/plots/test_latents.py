from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal, constraints

from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.plots.latents import are_real, flatten, latent_names, prior_moments, unflatten
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from tests.plots.kinds import vae
from tests.support.parts import CodesPosterior, CodesPrior, TwoLayers

SPEC = DataSpec("binary", (6,), levels=2)


class MixturePrior(Prior):
    """Two components at -2 and 4, of weights 1/4 and 3/4 and deviation 1, in two dimensions."""

    domain = "real"

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()

    def forward(self, condition: Tensor | None = None) -> Distribution:
        loc = torch.tensor([[-2.0, -2.0], [4.0, 4.0]])
        return MixtureSameFamily(Categorical(torch.tensor([0.25, 0.75])), Independent(Normal(loc, 1.0), 1))


class SilentNormal(Distribution):
    """N(5, 4) in two dimensions, that does not tell its moments."""

    support = constraints.real_vector
    arg_constraints: dict = {}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(event_shape=torch.Size([2]), validate_args=False)

    def sample(self, sample_shape: torch.Size = torch.Size()) -> Tensor:
        return 5 + 2 * torch.randn(*sample_shape, 2)


class SilentPrior(MixturePrior):
    def forward(self, condition: Tensor | None = None) -> Distribution:
        return SilentNormal()


def test_flatten_and_unflatten_undo_each_other() -> None:
    latents = {"a": torch.randn(5, 2), "b": torch.randn(5, 3, 4)}
    back = unflatten(flatten(latents), latents)
    assert list(back) == ["a", "b"]
    assert all(torch.equal(back[name], z) for name, z in latents.items())
    assert latent_names(latents)[:3] == ["$a_{1}$", "$a_{2}$", "$b_{1}$"]
    assert len(latent_names(latents)) == 14


def test_moments_of_the_standard_normal_are_exact() -> None:
    mean, deviation = prior_moments(vae(SPEC, 3, BernoulliLikelihood))
    assert mean.tolist() == [0, 0, 0]
    assert deviation.tolist() == [1, 1, 1]


def test_moments_of_a_mixture_are_exact() -> None:
    mean, deviation = prior_moments(vae(SPEC, 2, BernoulliLikelihood, MixturePrior))
    assert mean.tolist() == pytest.approx([2.5, 2.5])
    assert deviation.tolist() == pytest.approx([(1 + 36 * 3 / 16) ** 0.5] * 2)


def test_moments_of_a_prior_that_keeps_them_to_itself_are_estimated() -> None:
    # 4096 draws: standard errors of 2 / 64 and 2 / 90.
    mean, deviation = prior_moments(vae(SPEC, 2, BernoulliLikelihood, SilentPrior))
    assert mean.tolist() == pytest.approx([5, 5], abs=0.15)
    assert deviation.tolist() == pytest.approx([2, 2], abs=0.1)


def test_a_latent_below_another_varies_with_it() -> None:
    model = TwoLayers(SPEC)
    with torch.no_grad():
        model.p_b.weight[:2] = 3 * torch.eye(2)  # b = 3 a + noise of deviation 1
        model.p_b.weight[2:] = 0
        model.p_b.bias.zero_()
    mean, deviation = prior_moments(model)
    assert mean[:2].tolist() == [0, 0]
    assert deviation[:2].tolist() == [1, 1]
    assert deviation[2:].tolist() == pytest.approx([10**0.5] * 2, rel=0.1)


def test_codes_are_not_real() -> None:
    networks = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
    codes = VAE(SPEC, 2, networks[0], CodesPosterior, CodesPrior, networks[1], BernoulliLikelihood)
    assert not are_real(codes)
    assert are_real(vae(SPEC, 2, BernoulliLikelihood))
    assert are_real(TwoLayers(SPEC))
