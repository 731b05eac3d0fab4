from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.objectives import ELBO, IWAE, Constant, Linear, Losses, Objective, Progress
from lvm_experiments.spec import DataSpec
from tests.support.linear_gaussian import LinearGaussian
from tests.support.parts import TwoLayers
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")
BATCH = Batch(IMAGES)
START = Progress()


def losses(objective: Objective, model: object, progress: Progress = START) -> Losses:
    torch.manual_seed(7)
    return objective(model, BATCH, progress)


def by_hand(tiny: Tiny, K: int) -> tuple[np.ndarray, np.ndarray]:
    """Distortion and rate of every image, in numpy, with the same noise."""
    model = tiny.model
    w, b = (p.detach().numpy() for p in model.encoder.layers[0].parameters())
    v, c = (p.detach().numpy() for p in model.posterior.parameters_of.parameters())
    h = np.tanh(IMAGES.numpy() @ w.T + b) @ v.T + c
    mean, sd = h[:, :1], np.exp(h[:, 1:])
    torch.manual_seed(7)
    z = mean + sd * torch.randn(K, 8, 1).numpy()
    (w1, b1), (w2, b2) = ([p.detach().numpy() for p in model.decoder.layers[i].parameters()] for i in (0, 2))
    p = 1 / (1 + np.exp(-(np.tanh(z @ w1.T + b1) @ w2.T + b2)))
    x = IMAGES.numpy()
    distortion = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(-1).mean(0)
    rate = (0.5 * (mean**2 + sd**2 - 1) - np.log(sd)).sum(-1)
    return distortion, rate


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("K", [1, 5])
def test_the_loss_is_that_of_a_calculation_by_hand(beta: float, K: int) -> None:
    """Sum over pixels, mean over examples, the rate beta times."""
    tiny = Tiny.make()
    distortion, rate = by_hand(tiny, K)
    found = losses(ELBO(num_samples=K, beta=beta), tiny.model)
    assert found.loss["model"].item() == pytest.approx((distortion + beta * rate).mean(), rel=1e-12)
    np.testing.assert_allclose(found.terms["distortion"], distortion, rtol=1e-12)
    np.testing.assert_allclose(found.terms["rate"], rate, rtol=1e-10)


@pytest.mark.parametrize("schedule", [None, Constant(), Linear(duration=10)])
@pytest.mark.parametrize("beta", [0.0, 1e-4, 4.0])
def test_the_reported_bound_has_beta_one_whatever_is_trained(beta: float, schedule: Linear | None) -> None:
    """Published code trains with 0.00025 and validates with 1, or the other way round."""
    tiny = Tiny.make()
    plain = losses(ELBO(), tiny.model)
    other = losses(ELBO(beta=beta, schedule=schedule), tiny.model, Progress(epoch=3, epochs=20))
    for name in ("elbo", "rate", "distortion"):
        assert torch.equal(plain.terms[name], other.terms[name]), name
    assert torch.equal(other.terms["elbo"], -(other.terms["rate"] + other.terms["distortion"]))
    assert (other.terms["rate"] >= 0).all()
    assert plain.loss["model"].item() == pytest.approx(-plain.terms["elbo"].mean().item())


def test_the_bound_is_below_log_p_on_average_and_the_gap_is_the_posterior_s() -> None:
    """Exact posterior: 0 within 4 standard errors; another one: more than 0.1 nat."""
    lg = LinearGaussian.make(1.0)
    x = lg.simulate(2000)
    exact = ELBO()(lg.model(), Batch(x), Progress()).terms["elbo"] - lg.log_p(x)
    assert abs(exact.mean()) < 4 * exact.std() / 2000**0.5
    worse = ELBO()(lg.model(shift=0.5), Batch(x), Progress()).terms["elbo"] - lg.log_p(x)
    # A mean moved by half a standard deviation in both dimensions: KL = 2 * 0.5^2 / 2.
    assert abs(worse.mean() + 0.25) < 4 * worse.std() / 2000**0.5


def test_gradients_are_those_of_the_loss() -> None:
    """Central differences with the same noise, every parameter's first entry."""
    tiny = Tiny.make()
    objective = ELBO(num_samples=3, beta=2.0)
    parameters = dict(tiny.model.named_parameters())
    found = torch.autograd.grad(losses(objective, tiny.model).loss["model"], list(parameters.values()))
    for (name, parameter), gradient in zip(parameters.items(), found, strict=True):
        values = []
        for step in (-1e-6, 1e-6):
            with torch.no_grad():
                parameter.view(-1)[0] += step
                values.append(losses(objective, tiny.model).loss["model"].item())
                parameter.view(-1)[0] -= step
        slope = (values[1] - values[0]) / 2e-6
        assert gradient.view(-1)[0].item() == pytest.approx(slope, rel=1e-5, abs=1e-8), name


@pytest.mark.parametrize("objective", [ELBO(), IWAE(num_samples=3)], ids=["elbo", "iwae"])
def test_the_model_s_own_losses_are_added_for_every_layer(objective: Objective) -> None:
    model = TwoLayers(DataSpec("binary", (3,), levels=2))
    found = losses(objective, model)
    bound = found.terms["elbo"] if isinstance(objective, ELBO) else found.terms["iw_elbo"]
    assert found.loss["model"].item() == pytest.approx(0.75 - bound.mean().item(), rel=1e-12)
    assert torch.equal(found.terms["own"], torch.full((8,), 0.75))


class _DrawsTwice(ELBO):
    def compute(self, model: object, batch: Batch, progress: Progress) -> Losses:
        super().compute(model, batch, progress)  # type: ignore[arg-type]
        return super().compute(model, batch, progress)  # type: ignore[arg-type]


def test_own_losses_of_all_draws_count_and_of_no_earlier_step() -> None:
    model = TwoLayers(DataSpec("binary", (3,), levels=2))
    objective = _DrawsTwice()
    for _ in range(3):
        found = losses(objective, model)
        assert found.loss["model"].item() == pytest.approx(1.5 - found.terms["elbo"].mean().item())


def test_a_draw_outside_of_training_leaves_nothing_behind() -> None:
    model = TwoLayers(DataSpec("binary", (3,), levels=2))
    objective = ELBO()
    losses(objective, model)
    objective.draw(model, BATCH)
    found = losses(objective, model)
    assert found.loss["model"].item() == pytest.approx(0.75 - found.terms["elbo"].mean().item())


def test_terms_carry_no_graph_and_one_loss_does() -> None:
    found = losses(ELBO(num_samples=2), Tiny.make().model)
    assert found.loss["model"].requires_grad
    assert not any(t.requires_grad for t in found.terms.values())


# ---- IWAE --------------------------------------------------------------------------------------


@pytest.mark.parametrize("K", [1, 2, 7])
def test_the_iwae_s_loss_is_that_of_a_calculation_by_hand(K: int) -> None:
    """Not a softmax of sign-flipped pixel means, as published code has it."""
    tiny = Tiny.make()
    found = losses(IWAE(num_samples=K), tiny.model)
    torch.manual_seed(7)
    draw = tiny.model.draw(IMAGES, K)
    w = np.exp(draw.log_weight.detach().numpy())
    np.testing.assert_allclose(found.terms["iw_elbo"], np.log(w.mean(0)), rtol=1e-10)
    assert found.loss["model"].item() == pytest.approx(-np.log(w.mean(0)).mean(), rel=1e-10)
    np.testing.assert_allclose(found.terms["elbo"], np.log(w).mean(0), rtol=1e-10)
    total = found.terms["elbo"] + found.terms["rate"] + found.terms["distortion"]
    assert torch.allclose(total, torch.zeros(8), atol=1e-10)


def test_the_iwae_s_gradient_weighs_the_better_draws_more() -> None:
    """It is sum_k w_k grad log w_k with normalised weights, each draw's gradient by its own weight."""
    tiny = Tiny.make()
    (bias,) = [p for n, p in tiny.model.named_parameters() if n == "decoder.layers.2.bias"]
    (gradient,) = torch.autograd.grad(losses(IWAE(num_samples=4), tiny.model).loss["model"], bias)
    torch.manual_seed(7)
    draw = tiny.model.draw(IMAGES, 4)
    weight = draw.log_weight.softmax(0).detach()
    truth = -((IMAGES - draw.x.mean) * weight[..., None]).sum(0).mean(0)
    assert torch.allclose(gradient, truth, rtol=1e-10)


# ---- schedules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "progress", "weight"),
    [
        (Constant(), Progress(step=3, epoch=2), 1.0),
        (Linear(duration=10), Progress(epoch=0), 0.0),
        (Linear(duration=10), Progress(epoch=5, step=999), 0.5),
        (Linear(duration=10), Progress(epoch=10), 1.0),
        (Linear(duration=10), Progress(epoch=25), 1.0),
        (Linear(duration=10, start=0.2), Progress(epoch=5), 0.6),
        (Linear(duration=1000, unit="step"), Progress(step=250, epoch=999), 0.25),
        (Linear(duration=4, start=2.0), Progress(epoch=2), 1.5),
    ],
)
def test_schedules_weigh_the_rate(schedule: Linear, progress: Progress, weight: float) -> None:
    assert schedule(progress) == pytest.approx(weight)
    tiny = Tiny.make()
    found = losses(ELBO(beta=3.0, schedule=schedule), tiny.model, progress)
    truth = found.terms["distortion"] + 3 * weight * found.terms["rate"]
    assert found.loss["model"].item() == pytest.approx(truth.mean().item(), rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "progress", "warned"),
    [
        (Linear(duration=10), Progress(epochs=9), True),
        (Linear(duration=10), Progress(epochs=10), True),  # the last epoch's number is 9
        (Linear(duration=10), Progress(epochs=11), False),
        (Linear(duration=10), Progress(), False),  # nobody knows
        (Linear(duration=1000, unit="step"), Progress(epochs=5, steps=999), True),
        (Linear(duration=1000, unit="step"), Progress(epochs=5, steps=1001), False),
        (Constant(), Progress(epochs=1), False),
        (None, Progress(epochs=1), False),
    ],
)
def test_a_warm_up_that_outlasts_training_is_warned_of(
    schedule: Linear | None, progress: Progress, *, warned: bool
) -> None:
    warnings = ELBO(schedule=schedule).warnings(progress)
    assert len(warnings) == warned
    assert all("warm-up" in w and "objective.schedule.duration" in w for w in warnings)
    if schedule is not None and progress.epochs and not warned and schedule.__class__ is Linear:
        last = Progress(epoch=progress.epochs - 1, step=progress.steps - 1)
        assert schedule(last) == 1.0


def test_log_of_the_number_of_samples_is_not_forgotten() -> None:
    """With K equal draws the bound is that of one."""
    lg = LinearGaussian.make(1.0)
    x = lg.simulate(3)
    found = IWAE(num_samples=64)(lg.model(), Batch(x), Progress()).terms["iw_elbo"]
    assert torch.allclose(found, lg.log_p(x), atol=1e-9)
    assert abs(math.log(64)) > 4


def test_term_values_are_per_example() -> None:
    """Of image b, whoever else is in the batch: keyed to the bit by the same generator state for one example."""
    tiny = Tiny.make()

    def of(x: Tensor) -> Tensor:
        torch.manual_seed(7)
        return ELBO()(tiny.model, Batch(x), Progress()).terms["rate"]

    assert torch.allclose(of(IMAGES)[3:4], of(IMAGES[3:4]), rtol=1e-12)
