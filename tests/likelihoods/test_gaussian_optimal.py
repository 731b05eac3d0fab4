"""The optimal sigma^2: in closed form in training, one fixed density in evaluation, exact after a resume."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import norm
from torch import Tensor, distributed

from lvm_experiments.likelihoods import OptimalGaussianLikelihood
from lvm_experiments.spec import DataSpec
from tests.support.ranks import on_ranks

pytestmark = pytest.mark.usefixtures("float64")
SPEC = DataSpec("real", (5,), size=12)


def built(min_variance: float = 1e-12) -> OptimalGaussianLikelihood:
    return OptimalGaussianLikelihood(SPEC, variance=0.5, min_variance=min_variance)


def test_in_training_no_other_variance_scores_the_batch_better() -> None:
    raw, x = torch.randn(2, 4, 1, 5), torch.randn(4, 5)
    log_p = built()(raw).log_prob(x)
    best = (x - raw[:, :, 0]).square().mean().sqrt().item()
    truth = norm(raw[:, :, 0].numpy(), best).logpdf(x.numpy()).sum(-1)
    assert torch.allclose(log_p, torch.from_numpy(truth), rtol=1e-9)
    for other in (0.9 * best, 1.1 * best):
        assert norm(raw[:, :, 0].numpy(), other).logpdf(x.numpy()).sum() < log_p.sum().item()


def test_the_loss_and_its_gradient_are_the_paper_s() -> None:
    """-log p summed is N/2 log MSE + constant, and so is its gradient, which passes the optimum there."""
    raw, x = torch.randn(1, 4, 1, 5, requires_grad=True), torch.randn(4, 5)
    mine = -built()(raw).log_prob(x).sum()
    mse = (x - raw[:, :, 0]).square().mean()
    theirs = 10 * torch.log(mse) + 10 * math.log(2 * math.pi * math.e)
    assert torch.allclose(mine, theirs, rtol=1e-9)
    one, other = (torch.autograd.grad(loss, raw)[0] for loss in (mine, theirs))
    assert torch.allclose(one, other, rtol=1e-9)


def test_missing_cells_do_not_count() -> None:
    raw, x, mask = torch.randn(2, 4, 1, 5), torch.randn(4, 5), torch.rand(4, 5) < 0.5
    part = built()
    part(raw).log_prob(torch.where(mask, x, torch.nan), mask)
    mse = (x - raw[:, :, 0]).square()[mask.expand(2, 4, 5)].mean()
    assert part.current_variance().item() == pytest.approx(mse.item(), rel=1e-9)


def test_evaluation_has_one_normalised_density_of_the_frozen_variance() -> None:
    part = built()
    part(torch.zeros(1, 4, 1, 5)).log_prob(torch.full((4, 5), 3.0))
    part.eval()
    raw, x = torch.randn(2, 4, 1, 5), torch.randn(4, 5)
    truth = norm(raw[:, :, 0].numpy(), 3.0).logpdf(x.numpy()).sum(-1)
    before = {name: value.clone() for name, value in part.state_dict().items()}
    assert torch.allclose(part(raw).log_prob(x), torch.from_numpy(truth), rtol=1e-9)
    assert all(torch.equal(value, before[name]) for name, value in part.state_dict().items())


def test_without_gradients_nothing_is_learned_and_the_density_is_that_of_evaluation() -> None:
    part, raw, x = built(), torch.randn(1, 4, 1, 5), torch.randn(4, 5)
    with torch.no_grad():
        in_training = part(raw).log_prob(x)
    assert part.cells == 0
    assert torch.equal(in_training, part.eval()(raw).log_prob(x))


def test_before_training_the_variance_is_the_given_one() -> None:
    assert built().current_variance().item() == pytest.approx(0.5)


def residuals(part: OptimalGaussianLikelihood, batches: list[Tensor]) -> None:
    for x in batches:
        part(torch.zeros(1, len(x), 1, 5)).log_prob(x)


def test_the_frozen_variance_is_that_of_the_last_epoch_or_so() -> None:
    """Batches of 4 in epochs of 12: a weight falls by e every three batches."""
    part, batches = built(), [torch.randn(4, 5) * (1 + i) for i in range(9)]
    residuals(part, batches)
    weights = torch.exp(-torch.arange(8, -1, -1) / 3)
    squares = torch.stack([x.square().mean() for x in batches])
    assert part.current_variance().item() == pytest.approx(((weights * squares).sum() / weights.sum()).item())


def test_a_checkpoint_in_the_middle_of_an_epoch_goes_on_to_the_bit() -> None:
    batches = [torch.randn(4, 5) for _ in range(5)]
    whole, first, second = built(), built(), built()
    residuals(whole, batches)
    residuals(first, batches[:2])
    second.load_state_dict(first.state_dict())
    residuals(second, batches[2:])
    assert torch.equal(whole.current_variance(), second.current_variance())


def test_a_perfect_fit_has_a_bound() -> None:
    part, raw = built(min_variance=1e-6), torch.zeros(1, 4, 1, 5, requires_grad=True)
    log_p = part(raw).log_prob(torch.zeros(4, 5))
    assert log_p[0, 0].item() == pytest.approx(5 * -0.5 * math.log(2 * math.pi * 1e-6))
    (gradient,) = torch.autograd.grad(log_p.sum(), raw)
    assert gradient.isfinite().all()


def shard_variance() -> tuple[Tensor, Tensor, Tensor]:
    """This rank's share of eight examples: log p, its gradient and the frozen variance."""
    torch.manual_seed(0)
    raw, x = torch.randn(1, 8, 1, 5, dtype=torch.float64), torch.randn(8, 5, dtype=torch.float64)
    whole = not distributed.is_initialized()
    mine = slice(None) if whole else [slice(0, 3), slice(3, 8)][distributed.get_rank()]
    raw = raw[:, mine].clone().requires_grad_()
    part = built().double()
    log_p = part(raw).log_prob(x[mine])
    (gradient,) = torch.autograd.grad(log_p.sum(), raw)
    return log_p.detach(), gradient, part.current_variance()


def test_two_processes_with_uneven_shares_have_the_variance_of_one() -> None:
    whole, shares = shard_variance(), on_ranks(2, shard_variance)
    for i in range(2):
        assert torch.allclose(torch.cat([share[i] for share in shares], 1), whole[i], rtol=1e-12)
    assert all(torch.allclose(share[2], whole[2], rtol=1e-12) for share in shares)
