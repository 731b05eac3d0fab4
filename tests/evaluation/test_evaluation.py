"""Numbers that do not depend on how they were computed, and that say what they are."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import METRICS, Evaluation, Measurement, Report, metric_of
from lvm_experiments.likelihoods import BernoulliLikelihood, Likelihood, SoftBernoulliLikelihood
from lvm_experiments.models import VAE, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import (
    BinariseDynamic,
    Identity,
    Intensity,
    ObservationMap,
    ToReal,
    observe,
)
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.linear_gaussian import LinearGaussian
from tests.support.parts import Exact
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")
BINARY = DataSpec("binary", (3,), levels=2)
GREY = DataSpec("bytes", (1, 3, 3), levels=17)


def vae(spec: DataSpec, likelihood: type[Likelihood]) -> VAE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return VAE(
            spec,
            2,
            partial(MLPEncoder, hidden=[6]),
            DiagonalNormalPosterior,
            StandardNormalPrior,
            partial(MLPDecoder, hidden=[6]),
            likelihood,
        )


def batches(x: Tensor, size: int, order: Tensor | None = None, mask: Tensor | None = None) -> list[Batch]:
    order = torch.arange(len(x)) if order is None else order
    masks = [None if mask is None else mask[i] for i in order.split(size)]
    return [Batch(x[i], index=i, mask=m) for i, m in zip(order.split(size), masks, strict=True)]


def measure(
    model: LatentVariableModel,
    observation: ObservationMap,
    given: list[Batch],
    *,
    K: int = 20,
    chunk: int = 7,
    seed: int = 0,
) -> Report:
    return Evaluation(num_samples=K, chunk=chunk, seed=seed).measure(model, observation, given, "test")


def numbers(report: Report) -> dict[str, Measurement]:
    return {m.name.removeprefix("test/"): m for m in report.measurements}


# ---- the same whatever the batches -------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("chunk", [1, 20])
def test_numbers_do_not_depend_on_batch_size_order_or_chunk(size: int, chunk: int) -> None:
    """To 1e-9 relative; binarised anew, so that the map's noise is keyed as well. 45 = 6 x 7 + 3."""
    x = torch.randint(0, 17, (45, *GREY.shape), generator=torch.Generator().manual_seed(0))
    observation = BinariseDynamic(GREY)
    model = vae(observation.spec, BernoulliLikelihood)
    one = measure(model, observation, batches(x, 45), chunk=20)
    order = torch.randperm(45)
    other = measure(model, observation, batches(x, size, order), chunk=chunk)
    for a, b in zip(one.measurements, other.measurements, strict=True):
        assert a.name == b.name
        assert a.value == pytest.approx(b.value, rel=1e-9)
        errors = [(a.standard_error, b.standard_error), (a.monte_carlo_error, b.monte_carlo_error)]
        for mine, theirs in errors:
            assert (mine is None) == (theirs is None)
            assert mine is None or mine == pytest.approx(theirs, rel=1e-7)
    for name, values in one.examples.items():
        np.testing.assert_allclose(values, other.examples[name], rtol=1e-9, atol=1e-12, err_msg=name)
    assert one.examples["index"].tolist() == list(range(45))


def test_examples_count_the_same_in_a_short_last_batch() -> None:
    """Published code averages batch means: a last batch of one would weigh as much as one of 100."""
    lg = LinearGaussian.make(1.0)
    x = lg.simulate(101)
    x[-1] += 10
    found = numbers(measure(lg.model(), Identity(DataSpec("real", (5,))), batches(x, 100)))
    assert found["nll"].value == pytest.approx(-lg.log_p(x).mean().item(), rel=1e-9)
    batch_means = -(lg.log_p(x[:100]).mean() + lg.log_p(x[100:]).mean()) / 2
    assert abs(found["nll"].value - batch_means) > 1


@pytest.mark.parametrize("what", ["binarised", "latent"])
def test_seeds_change_the_noise(what: str) -> None:
    x = torch.full((45, *GREY.shape), 8)
    observation: ObservationMap = BinariseDynamic(GREY)
    if what == "latent":
        observation = Identity(observation.spec)
        x = (x + torch.arange(9).reshape(1, 3, 3)) % 2
    model = vae(observation.spec, BernoulliLikelihood)
    values = [numbers(measure(model, observation, batches(x, 45), seed=s))["nll"].value for s in (0, 0, 1)]
    assert values[0] == values[1]
    assert values[0] != values[2]


# ---- what they are -----------------------------------------------------------------------------


@pytest.mark.parametrize("variance", [0.01, 1.0, 4.0])
def test_on_a_model_with_the_exact_posterior_every_number_is_known(variance: float) -> None:
    lg = LinearGaussian.make(variance)
    x = lg.simulate(60)
    report = measure(lg.model(), Identity(DataSpec("real", (5,))), batches(x, 60), K=500)
    found, log_p = numbers(report), lg.log_p(x).numpy()
    np.testing.assert_allclose(report.examples["log_evidence"], log_p, atol=1e-9)
    assert found["nll"].value == pytest.approx(-log_p.mean(), rel=1e-10)
    assert found["nll"].standard_error == pytest.approx(log_p.std(ddof=1) / 60**0.5, rel=1e-8)
    assert found["nll"].monte_carlo_error == pytest.approx(0, abs=1e-8)
    assert found["effective_samples"].value == pytest.approx(500)
    M, covariance = lg.posterior()
    mean = (x.numpy() - lg.b) @ M.T
    rate = 0.5 * ((mean**2).sum(1) + np.trace(covariance) - 2 - np.linalg.slogdet(covariance)[1])
    assert found["rate"].value == pytest.approx(rate.mean(), rel=1e-9)
    assert found["rate"].standard_error == pytest.approx(rate.std(ddof=1) / 60**0.5, rel=1e-8)
    # E_q of the squared distance, exactly: residual of the mean and the trace of W S W'.
    residual = ((x.numpy() - lg.b - mean @ lg.W.T) ** 2).sum(1) + np.trace(lg.W @ covariance @ lg.W.T)
    distortion = residual / (2 * variance) + 2.5 * np.log(2 * np.pi * variance)
    assert found["distortion"].value == pytest.approx(distortion.mean(), abs=4 * 1.5 / (60 * 500) ** 0.5)
    assert found["elbo"].value == pytest.approx(-(found["rate"].value + found["distortion"].value))
    squares = ((lg.b + mean @ lg.W.T - x.numpy()) ** 2).mean(1)
    assert found["reconstruction_error"].value == pytest.approx(squares.mean(), rel=1e-9)


def test_standard_errors_are_over_examples_and_monte_carlo_errors_over_draws() -> None:
    """The latter against the spread of 300 repeats with other seeds, 4 standard errors of a spread."""
    tiny = Tiny.make()
    x = IMAGES.repeat(6, 1)
    given, observation = batches(x, 48), Identity(BINARY)
    report = measure(tiny.model, observation, given)
    found, values = numbers(report), report.examples
    for name, sign in (("nll", -1), ("elbo", 1), ("rate", 1), ("distortion", 1), ("reconstruction_error", 1)):
        each = sign * values["log_evidence" if name == "nll" else name]
        assert found[name].value == pytest.approx(each.mean(), rel=1e-12)
        assert found[name].standard_error == pytest.approx(each.std(ddof=1) / 48**0.5, rel=1e-12)
        assert found[name].examples == 48
    estimates, stated = [], []
    for seed in range(300):
        nll = numbers(measure(tiny.model, observation, given, K=100, chunk=100, seed=seed))["nll"]
        estimates.append(nll.value)
        stated.append(nll.monte_carlo_error)
    spread = np.std(estimates, ddof=1)
    assert np.mean(stated) == pytest.approx(spread, rel=4 / 600**0.5)
    error = spread / 300**0.5
    assert abs(np.mean(estimates) + tiny.log_p.mean().item()) < 4 * error + 0.01


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """1,000 test sets of 50 examples: 95 % of nll +- 1.96 standard errors, within 4 standard errors and 2 %."""
    lg = LinearGaussian.make(1.0)
    truth = 0.5 * (5 + 5 * np.log(2 * np.pi) + np.linalg.slogdet(lg.covariance)[1])
    x = lg.simulate(50_000)
    report = measure(lg.model(), Identity(DataSpec("real", (5,))), batches(x, 50_000), K=2)
    nll = -report.examples["log_evidence"].reshape(1000, 50)
    errors = nll.std(1, ddof=1) / 50**0.5
    covered = (np.abs(nll.mean(1) - truth) < 1.96 * errors).mean()
    assert abs(covered - 0.95) < 4 * (0.95 * 0.05 / 1000) ** 0.5 + 0.02


def test_one_draw_states_no_monte_carlo_error_and_one_example_no_standard_error() -> None:
    tiny = Tiny.make()
    one_draw = numbers(measure(tiny.model, Identity(BINARY), batches(IMAGES, 8), K=1))
    assert one_draw["nll"].monte_carlo_error is None
    assert one_draw["nll"].value == pytest.approx(-one_draw["elbo"].value, abs=2)
    one_example = numbers(measure(tiny.model, Identity(BINARY), batches(IMAGES[:1], 1)))
    assert one_example["nll"].standard_error is None
    assert one_example["nll"].examples == 1


def test_every_number_carries_its_meaning() -> None:
    tiny = Tiny.make()
    report = measure(tiny.model, Identity(BINARY), batches(IMAGES, 8))
    expected = {"elbo", "rate", "distortion", "nll", "bits_per_dim", "effective_samples"}
    assert set(numbers(report)) == expected | {"reconstruction_error", "active_units"}
    for name, m in numbers(report).items():
        assert m.unit == METRICS[name].unit
        assert m.higher_is_better == METRICS[name].higher_is_better
        assert (m.split, m.examples, m.space) == ("test", 8, "binary")
        assert np.isfinite(m.value)
        assert m.estimator
    found = numbers(report)
    assert found["nll"].num_samples == 20
    assert "K = 20" in found["nll"].estimator
    assert "posterior as proposal" in found["nll"].estimator
    assert "beta = 1" in found["elbo"].estimator
    # Sampled z for bounds, its mean for representations, and both say so.
    assert "posterior draws" in found["elbo"].estimator
    assert "posterior mean" in found["active_units"].estimator
    assert "posterior mean" in found["reconstruction_error"].estimator
    assert found["nll"].value > 0
    assert found["bits_per_dim"].value == pytest.approx(found["nll"].value / (3 * np.log(2)))


def test_bounds_take_draws_of_z_and_representations_its_mean() -> None:
    """Published code replaces z by its mean in evaluation: its "test ELBO" is no bound."""
    lg = LinearGaussian.make(0.05)
    x = lg.simulate(500)
    report = measure(lg.model(stretch=4.0), Identity(DataSpec("real", (5,))), batches(x, 500), K=50)
    mean_only = lg.model().score(x, {"z": lg.model().encode(x)["z"][None]}).log_lik[0]
    gap = mean_only + torch.tensor(report.examples["distortion"])
    assert gap.mean() > 5
    np.testing.assert_allclose(report.examples["latent_mean"], lg.model().encode(x)["z"])


def test_reconstructions_are_judged_in_the_data_s_own_values() -> None:
    """Whatever space the model lives in: the same guesses have the same error, and means are not rounded to levels."""
    x = torch.randint(0, 17, (12, *GREY.shape))
    observation = BinariseDynamic(GREY)
    model = vae(observation.spec, BernoulliLikelihood)
    report = measure(model, observation, batches(x, 12))
    seen = observe(observation, batches(x, 12)[0], 0)
    guess = model.reconstruct(seen) * 16
    truth = ((guess - x) ** 2).flatten(1).double().mean(1)
    np.testing.assert_allclose(report.examples["reconstruction_error"], truth, rtol=1e-9)
    assert truth.mean() > 5


def test_active_units_are_dimensions_whose_mean_varies() -> None:
    lg = LinearGaussian.make(1.0, latent=3)
    model, x = lg.model(), lg.simulate(200)
    with torch.no_grad():
        model.posterior.parameters_of.weight[1] = 0
    found = numbers(measure(model, Identity(DataSpec("real", (5,))), batches(x, 200), K=2))
    assert found["active_units"].value == 2
    assert found["active_units"].standard_error is None


def test_an_exact_model_s_evidence_is_taken_as_it_is() -> None:
    model = Exact(BINARY)
    report = measure(model, Identity(BINARY), batches(IMAGES, 3))
    found = numbers(report)
    truth = (IMAGES * model.logits - torch.nn.functional.softplus(model.logits)).sum(1)
    np.testing.assert_allclose(report.examples["log_evidence"], truth.detach(), rtol=1e-12)
    assert found["nll"].estimator == "exact, closed form"
    assert found["nll"].monte_carlo_error == 0
    assert "effective_samples" not in found
    assert found["elbo"].value == pytest.approx(-found["nll"].value)


# ---- what is refused or labelled ---------------------------------------------------------------


@pytest.mark.parametrize("value", [0.5, 2.0, torch.nan])
def test_values_outside_the_support_are_refused(value: float) -> None:
    x = IMAGES.clone()
    x[5, 1] = value
    with pytest.raises(ValueError, match="binary values, and the data hold"):
        measure(Tiny.make().model, Identity(BINARY), batches(x, 3))


def test_soft_targets_are_labelled_no_log_likelihood() -> None:
    spec = GREY.replace(levels=256)
    x = torch.randint(0, 256, (12, *spec.shape))
    observation = Intensity(spec)
    soft = numbers(measure(vae(observation.spec, SoftBernoulliLikelihood), observation, batches(x, 12)))
    for name, m in soft.items():
        labelled = "not a log-likelihood" in m.estimator
        assert labelled == (m.unit in ("nats", "bits/dim")), name
    hard = numbers(measure(Tiny.make().model, Identity(BINARY), batches(IMAGES, 8)))
    assert not any("not a log-likelihood" in m.estimator for m in hard.values())


def test_maps_that_lose_the_levels_give_no_bits_per_dimension() -> None:
    x = torch.randint(0, 17, (12, *GREY.shape))
    for observation, likelihood in (
        (BinariseDynamic(GREY), BernoulliLikelihood),
        (Intensity(GREY), SoftBernoulliLikelihood),
    ):
        found = numbers(measure(vae(observation.spec, likelihood), observation, batches(x, 12)))
        assert "bits_per_dim" not in found
        assert found["nll"].space == observation.description
    lg = LinearGaussian.make(1.0)
    real = numbers(measure(lg.model(), ToReal(DataSpec("real", (5,))), batches(lg.simulate(9), 9)))
    assert "bits_per_dim" not in real


def test_missing_cells_change_no_number_and_leave_no_bits_per_dimension() -> None:
    lg = LinearGaussian.make(1.0)
    x = lg.simulate(30)
    mask = torch.rand(30, 5) < 0.7
    mask[:, 0] = True
    observation = Identity(DataSpec("real", (5,), levels=0))
    reports = [
        measure(lg.model(), observation, batches(torch.where(mask, x, f), 7, mask=mask)) for f in (0.0, 1e6, torch.nan)
    ]
    for other in reports[1:]:
        for a, b in zip(reports[0].measurements, other.measurements, strict=True):
            assert a.value == b.value, a.name
            assert np.isfinite(a.value), a.name
    means = reports[0].examples["latent_mean"] @ lg.W.T + lg.b
    squares = np.where(mask, (means - x.numpy()) ** 2, 0).sum(1) / mask.numpy().sum(1)
    found = numbers(reports[0])
    assert found["reconstruction_error"].value == pytest.approx(squares.mean(), rel=1e-9)
    masked = measure(Tiny.make().model, Identity(BINARY), batches(IMAGES, 3, mask=IMAGES < 2))
    assert "bits_per_dim" not in numbers(masked)


def test_no_examples_are_an_error_in_words() -> None:
    with pytest.raises(ValueError, match="no example to measure"):
        measure(Tiny.make().model, Identity(BINARY), [])


# ---- manners -----------------------------------------------------------------------------------


def test_the_model_is_left_as_it_was() -> None:
    model = Tiny.make().model
    before = {n: p.clone() for n, p in model.state_dict().items()}
    state = torch.get_rng_state()
    for training in (True, False):
        model.train(training)
        measure(model, Identity(BINARY), batches(IMAGES, 3))
        assert model.training == training
        assert model.encoder.training == training
    assert all(torch.equal(p, before[n]) for n, p in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_is_off() -> None:
    model = Tiny.make().model
    model.encoder.layers.append(torch.nn.Dropout(0.5))
    model.train()
    one, other = (numbers(measure(model, Identity(BINARY), batches(IMAGES, n)))["nll"].value for n in (8, 3))
    assert one == pytest.approx(other, rel=1e-9)


def test_progress_is_reported_in_examples() -> None:
    seen: list[int] = []
    Evaluation(num_samples=2).measure(
        Tiny.make().model, Identity(BINARY), batches(IMAGES, 3), "val", report_progress=seen.append
    )
    assert seen == [3, 3, 2]


def test_the_chosen_examples_are_the_same_for_every_run_and_not_the_first_ones() -> None:
    some = Evaluation(max_examples=200).chosen(10_000)
    assert some is not None
    torch.manual_seed(9)
    again = Evaluation(max_examples=200, seed=4).chosen(10_000)
    assert again is not None
    assert torch.equal(some, again)
    assert len(some.unique()) == 200
    assert torch.equal(some, some.sort().values)
    assert some.max() > 9000
    assert some.float().mean() == pytest.approx(5000, abs=4 * 2900 / 200**0.5)
    assert Evaluation(max_examples=200).chosen(200) is None
    assert Evaluation(max_examples=None).chosen(10_000) is None


def test_metrics_are_found_by_name_and_near_misses_are_named() -> None:
    assert metric_of("val/nll").higher_is_better is False
    assert metric_of("test/elbo").unit == "nats"
    with pytest.raises(Exception, match="did you mean val/elbo"):
        metric_of("val/elbow")
