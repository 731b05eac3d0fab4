"""What is done with the rate: free bits, a capacity, a constraint."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.objectives import ELBO, GECO, Capacity, FreeBits, Linear, Losses, Objective, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior, IAFPosterior
from lvm_experiments.priors import DiagonalNormalPrior, MixtureOfNormalsPrior, StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.objectives.models import flat, gradients, small_vae
from tests.support.parts import TwoLayers
from tests.support.ranks import on_ranks
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")
BATCH = Batch(IMAGES)


def losses(objective: Objective, model: object, progress: Progress | None = None) -> Losses:
    torch.manual_seed(7)
    return objective(model, BATCH, progress or Progress())


def normal_kl(model: object) -> np.ndarray:
    """KL(q || N(0, I)) of every image and dimension, in numpy."""
    q = model.q_z(BATCH)  # type: ignore[attr-defined]
    mean, sd = q.loc.detach().numpy(), q.log_scale.exp().detach().numpy()
    return 0.5 * (mean**2 + sd**2 - 1) - np.log(sd)


# ---- free bits


@pytest.mark.parametrize("prior", [StandardNormalPrior, DiagonalNormalPrior])
def test_each_dimension_s_first_nats_are_free(prior: type) -> None:
    """The floor lies between the rates of both dimensions, so one is floored."""
    model = small_vae(DiagonalNormalPosterior, prior)
    rates = normal_kl(model).mean(0)  # a learned normal starts as the standard one
    floor = float(rates.mean())
    assert min(rates) < floor < max(rates)
    found = losses(FreeBits(num_samples=3, free=floor), model)
    truth = found.terms["distortion"].mean().item() + np.maximum(rates, floor).sum()
    assert found.loss["model"].item() == pytest.approx(truth, rel=1e-12)
    assert found.terms["rate"].mean().item() == pytest.approx(rates.sum(), rel=1e-12)


def test_a_floored_dimension_gets_no_gradient_from_its_rate() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    found = losses(FreeBits(free=1e3), model)
    assert found.loss["model"].item() == pytest.approx(found.terms["distortion"].mean().item() + 2e3)
    alone = losses(ELBO(beta=0.0), model)
    assert torch.allclose(flat(gradients(found.loss["model"], model)), flat(gradients(alone.loss["model"], model)))


def test_without_a_floor_it_is_the_bound() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    found, elbo = losses(FreeBits(free=0.0), model), losses(ELBO(), model)
    assert found.loss["model"].item() == pytest.approx(elbo.loss["model"].item(), rel=1e-12)
    assert torch.equal(found.terms["elbo"], elbo.terms["elbo"])


def test_layers_have_floors_of_their_own() -> None:
    model = TwoLayers(PIXELS := DataSpec("binary", (3,), levels=2), width=1)
    assert PIXELS.dims == 3
    torch.manual_seed(7)
    draw = model.draw(BATCH)
    low, high = sorted(step.kl.mean().item() for step in draw.steps.values())
    floor = (low + high) / 2
    found = losses(FreeBits(free=floor), model)
    # The model's own losses of both layers are 0.75 together.
    truth = found.terms["distortion"].mean().item() + floor + high + 0.75
    assert found.loss["model"].item() == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(
    "posterior", [DiagonalNormalPosterior, partial(IAFPosterior, hidden=[4])], ids=["diagonal", "iaf"]
)
def test_a_layer_that_does_not_factorise_has_one_floor(posterior: object) -> None:
    model = small_vae(posterior, partial(MixtureOfNormalsPrior, components=3))  # type: ignore[arg-type]
    rate = losses(FreeBits(num_samples=50, free=0.0), model).terms["rate"].mean().item()
    for floor in (rate / 2, rate * 2):
        found = losses(FreeBits(num_samples=50, free=floor), model)
        truth = found.terms["distortion"].mean().item() + max(rate, floor)
        assert found.loss["model"].item() == pytest.approx(truth, rel=1e-12)


# ---- capacity


@pytest.mark.parametrize(("capacity", "epoch"), [(0.0, 0), (0.1, 5), (0.1, 50), (30.0, 3), (30.0, 10)])
def test_the_rate_is_pulled_towards_the_capacity(capacity: float, epoch: int) -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = Capacity(num_samples=2, gamma=7.0, capacity=capacity, schedule=Linear(duration=10))
    target = capacity * min(1.0, epoch / 10)
    rate = normal_kl(model).sum(1).mean()
    found = losses(objective, model, Progress(epoch=epoch))
    truth = found.terms["distortion"].mean().item() + 7 * abs(rate - target)
    assert found.loss["model"].item() == pytest.approx(truth, rel=1e-12)
    # Above the capacity the rate costs gamma, below it pays as much.
    beta = 7.0 if rate > target else -7.0
    weighed = losses(ELBO(num_samples=2, beta=beta), model)
    assert torch.allclose(flat(gradients(found.loss["model"], model)), flat(gradients(weighed.loss["model"], model)))


def test_without_a_schedule_the_capacity_is_whole() -> None:
    assert Capacity(capacity=3.0).target(Progress()) == 3.0


# ---- GECO


def test_the_loss_is_the_rate_under_a_constraint() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = GECO(num_samples=2, tolerance=0.5)
    objective.multiplier.fill_(3.0)
    found = losses(objective, model)
    truth = found.terms["rate"] + 3 * (found.terms["distortion"] - 0.5 * 3)
    assert found.loss["model"].item() == pytest.approx(truth.mean().item(), rel=1e-12)
    assert torch.equal(found.terms["multiplier"], torch.full((8,), 3.0))


def test_at_multiplier_1_it_trains_the_bound() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    found, elbo = losses(GECO(), model), losses(ELBO(), model)
    assert torch.allclose(flat(gradients(found.loss["model"], model)), flat(gradients(elbo.loss["model"], model)))


@pytest.mark.parametrize(("tolerance", "direction"), [(0.01, 1), (5.0, -1)])
def test_the_multiplier_grows_while_the_distortion_is_too_high(tolerance: float, direction: int) -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = GECO(tolerance=tolerance, rate=0.1)
    values = [objective.multiplier.item()]
    for _ in range(3):
        losses(objective, model)
        values.append(objective.multiplier.item())
    steps = np.sign(np.diff(values))
    assert (steps == direction).all()


def test_the_multiplier_follows_the_moving_average() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = GECO(tolerance=0.2, rate=0.3, decay=0.9)
    average, multiplier = None, 1.0
    for seed in range(4):
        torch.manual_seed(seed)
        found = objective(model, BATCH, Progress())
        constraint = found.terms["distortion"].mean().item() / 3 - 0.2
        average = constraint if average is None else 0.9 * average + 0.1 * constraint
        multiplier *= np.exp(0.3 * average)
        assert objective.average.item() == pytest.approx(average, rel=1e-12)
        assert objective.multiplier.item() == pytest.approx(multiplier, rel=1e-12)
    assert average is not None


def test_the_multiplier_stays_finite() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    for tolerance, bound in ((-1e4, 1e6), (1e4, 1e-6)):
        objective = GECO(tolerance=tolerance, rate=1.0)
        losses(objective, model)
        assert objective.multiplier.item() == pytest.approx(bound)


def test_the_multiplier_survives_a_resume(tmp_path: Path) -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    first = GECO(tolerance=0.01, rate=0.5)
    losses(first, model)
    torch.save(first.state_dict(), tmp_path / "state")
    second = GECO(tolerance=0.01, rate=0.5)
    second.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert second.multiplier.item() == first.multiplier.item() != 1.0
    for objective in (first, second):
        losses(objective, model)
    assert torch.equal(first.multiplier, second.multiplier)


def test_the_multiplier_rests_outside_of_training() -> None:
    objective = GECO(tolerance=0.01, rate=0.5).eval()
    losses(objective, small_vae(DiagonalNormalPosterior, StandardNormalPrior))
    assert objective.multiplier.item() == 1.0


def _on_a_rank(shares: tuple[float, float]) -> Tensor:
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = GECO(rate=0.5)
    rank = torch.distributed.get_rank()
    torch.manual_seed(rank)
    found = objective(model, BATCH, Progress(share=shares[rank]))
    return torch.stack([objective.multiplier, found.terms["distortion"].mean()])


@pytest.mark.parametrize("shares", [(1.0, 1.0), (1.5, 0.5), (2.0, 0.0)])
def test_all_ranks_have_one_multiplier(shares: tuple[float, float]) -> None:
    """That of the mean over all examples, though a rank may have fewer of a batch, or none."""
    (one, first), (other, second) = on_ranks(2, partial(_on_a_rank, shares))
    assert one == other
    assert first != second
    mean = (shares[0] * first + shares[1] * second) / 2
    assert one.log() == pytest.approx(0.5 * (mean / 3 - 0.1))
