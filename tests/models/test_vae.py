from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import (
    BernoulliLikelihood,
    DiscretizedLogisticLikelihood,
    GaussianLikelihood,
)
from lvm_experiments.models import VAE
from lvm_experiments.models.base import MEAN_DRAWS
from lvm_experiments.networks import ConvEncoder, MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.parts import CodesPosterior

BINARY = DataSpec("binary", (1, 8, 8), levels=2)


def build(spec: DataSpec = BINARY, **changes: Any) -> VAE:
    parts = {
        "latent_dim": 2,
        "encoder": partial(MLPEncoder, hidden=[8]),
        "posterior": DiagonalNormalPosterior,
        "prior": StandardNormalPrior,
        "decoder": partial(MLPDecoder, hidden=[8]),
        "likelihood": BernoulliLikelihood,
    }
    return VAE(spec, **(parts | changes))


@pytest.mark.parametrize(("shape", "dims"), [((1, 28, 28), 50), ((1, 8, 8), 16), ((3,), 1), ((3, 32, 32), 50)])
def test_the_number_of_latents_follows_the_data_where_none_is_given(shape: tuple[int, ...], dims: int) -> None:
    model = build(BINARY.replace(shape=shape), latent_dim=None)
    assert model.latent_dim == dims
    assert model.posterior.event_shape == (dims,)


@pytest.mark.parametrize("part", ["encoder", "posterior", "prior", "decoder", "likelihood"])
def test_a_missing_part_is_refused_by_name(part: str) -> None:
    with pytest.raises(RequestError, match=f"model.{part}: .*needs one") as refusal:
        build(**{part: None})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("likelihood", "space"), [(BernoulliLikelihood, "bytes"), (BernoulliLikelihood, "real"),
                              (DiscretizedLogisticLikelihood, "real"), (GaussianLikelihood, "bytes")]
)  # fmt: skip
def test_a_likelihood_over_another_space_is_refused_with_those_that_can(likelihood: type, space: str) -> None:
    with pytest.raises(RequestError, match=r"^model\.likelihood: ") as refusal:
        build(DataSpec(space, (1, 8, 8), levels=17), likelihood=likelihood)
    text = str(refusal.value)
    assert f"{likelihood.__name__} is a distribution over {likelihood.space} values" in text  # type: ignore[attr-defined]
    assert f"the observations are {space}" in text
    assert {"bytes": "discretized_logistic", "real": "gaussian"}[space] in text
    assert "\n" not in text


def test_binary_data_are_also_bytes_of_two_levels() -> None:
    model = build(likelihood=DiscretizedLogisticLikelihood)
    x = (torch.rand(3, 1, 8, 8) < 0.5).float()
    assert model.log_evidence(x, 3).isfinite().all()


def test_a_prior_that_lives_elsewhere_is_refused_with_those_that_can() -> None:
    with pytest.raises(RequestError, match=r"^model\.prior: .*real latents.*one_hot"):
        build(posterior=CodesPosterior)


def test_a_part_s_own_refusal_says_which_part_it_was() -> None:
    with pytest.raises(RequestError, match=r"^model\.encoder: .*images of at least 8x8"):
        build(BINARY.replace(shape=(64,)), encoder=partial(ConvEncoder, channels=[4], hidden=8))


def test_the_prior_is_given_the_model_once_and_registers_nothing_twice() -> None:
    class Bound(StandardNormalPrior):
        def bind(self, model: VAE) -> None:
            self.__dict__["model"] = model

    model = build(prior=Bound)
    assert model.prior.__dict__["model"] is model
    names = [n for n, _ in model.named_parameters()]
    assert len(names) == len(set(names))
    assert not any("prior" in n for n in names)


@pytest.mark.parametrize("activation", ["tanh", "softplus", "relu"])
@pytest.mark.parametrize("hidden", [[], [8]])
def test_networks_may_run_in_16_bits_probabilities_do_not(activation: str, hidden: list[int]) -> None:
    parts = {"hidden": hidden, "activation": activation}
    model = build(encoder=partial(MLPEncoder, **parts), decoder=partial(MLPDecoder, **parts))
    x = (torch.rand(4, 1, 8, 8) < 0.5).float()
    torch.manual_seed(0)
    full = model.draw(x, 3).log_weight
    model.encoder.mixed = model.decoder.mixed = torch.bfloat16
    torch.manual_seed(0)
    draw = model.draw(x, 3)
    values = [draw.log_weight, draw.kl, draw.log_lik, draw.steps["z"].q.mean, draw.x.mean]
    assert {v.dtype for v in values} == {torch.float32}
    assert not torch.equal(draw.log_weight, full)
    assert torch.allclose(draw.log_weight, full, rtol=0.05)


def conditional(**changes: Any) -> tuple[VAE, Batch]:
    model = build(BINARY.replace(condition=3), **changes)
    x = (torch.rand(4, 1, 8, 8) < 0.5).float()
    return model, Batch(x, condition=torch.randn(4, 3), index=torch.arange(4))


def test_a_condition_reaches_encoder_and_decoder() -> None:
    model, batch = conditional()
    other = batch.replace(condition=batch.condition + 1)
    assert not torch.equal(model.q_z(batch).mean, model.q_z(other).mean)
    z = torch.zeros(2, 4, 2)
    one, two = (model.p_x(z, b.condition).mean for b in (batch, other))
    assert not torch.equal(one, two)
    assert model.reconstruct(batch).shape == batch.x.shape
    assert model.evidence(batch, 10, seed=0).log_p.shape == (4,)


def test_without_a_condition_it_draws_with_those_of_training_examples() -> None:
    model, batch = conditional()
    model.prepare(lambda n=None: batch)
    assert torch.equal(model.conditions(6), batch.condition[torch.tensor([0, 1, 2, 3, 0, 1])])
    assert model.sample(6).shape == (6, 1, 8, 8)
    assert model.sample(6, batch.condition).shape == (6, 4, 1, 8, 8)
    twin = build(BINARY.replace(condition=3))
    twin.load_state_dict(model.state_dict())
    assert torch.equal(twin.conditions(5), model.conditions(5))


class _NoMean(DiagonalNormal):
    @property
    def mean(self) -> Tensor:
        raise NotImplementedError


class _NoMeanPosterior(DiagonalNormalPosterior):
    def forward(self, features: Tensor) -> DiagonalNormal:
        q = super().forward(features)
        return _NoMean(q.loc, q.log_scale)


def test_where_a_mean_has_no_closed_form_it_is_that_of_draws_of_the_examples_own() -> None:
    model = build(posterior=_NoMeanPosterior)
    batch = Batch((torch.rand(4, 1, 8, 8) < 0.5).float(), index=torch.tensor([5, 9, 2, 7]))
    q = model.q_z(batch)
    found = model.encode(batch)["z"]
    error = q.log_scale.exp() / MEAN_DRAWS**0.5
    assert ((found - q.loc).abs() < 5 * error).all()
    some = Batch(batch.x[2:], index=batch.index[2:])
    assert torch.allclose(model.encode(some)["z"], found[2:], atol=1e-6)


def test_saved_and_loaded_it_gives_the_same_numbers() -> None:
    one, other = build(), build()
    other.load_state_dict(one.state_dict())
    x = (torch.rand(4, 1, 8, 8) < 0.5).float()
    torch.manual_seed(0)
    first = one.log_evidence(x, 5)
    torch.manual_seed(0)
    assert torch.equal(other.log_evidence(x, 5), first)
