"""Trap 7: each channel of the coupled mixture sums to 1 given the previous, and moments are those of the masses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, logistic
from torch import Tensor

from lvm_experiments.distributions import (
    ColourDiscretizedLogisticMixture,
    DiscretizedLogistic,
    DiscretizedLogisticMixture,
)
from lvm_experiments.noise import keyed_noise

CELLS, M = 30, 3


def parameters(*shape: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Logits, locations and log scales, beyond the edges and down to the floor."""
    logits, loc = 2 * torch.randn(*shape, M, dtype=dtype), 2 * torch.randn(*shape, M, dtype=dtype)
    return [logits, loc, torch.empty(*shape, M, dtype=dtype).uniform_(-7, 3)]


def colour(pixels: int, levels: int, dtype: torch.dtype = torch.float64) -> ColourDiscretizedLogisticMixture:
    """As many examples of one pixel each."""
    logits, loc, log_scale = parameters(1, pixels, 3, 1, 1, dtype=dtype)
    coefficients = torch.tanh(torch.randn_like(loc))
    return ColourDiscretizedLogisticMixture(logits[:, :, :1], loc, log_scale, coefficients, levels)


def at_every(p: ColourDiscretizedLogisticMixture, x: Tensor) -> Tensor:
    """log p of each channel, shape (values, pixels, 3), of values (values, 3) for each pixel."""
    given = (p.log_weights, p.loc, p.log_scale, p.coefficients)
    many = ColourDiscretizedLogisticMixture(*(t.expand(len(x), *t.shape[1:]) for t in given), p.levels)
    values = x.to(p.loc)[:, None, :, None, None].expand(-1, p.loc.shape[1], 3, 1, 1)
    return many.cell_log_prob(values)[..., 0, 0]


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-6), (torch.float64, 1e-11)])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_masses_sum_to_one(levels: int, dtype: torch.dtype, digits: float) -> None:
    p = DiscretizedLogisticMixture(*parameters(levels, 1, CELLS, dtype=dtype), levels)
    alike = [t[:1].expand(levels, 1, CELLS, M) for t in (p.log_weights, p.loc, p.log_scale)]
    x = torch.arange(levels, dtype=dtype)[:, None, None].expand(-1, 1, CELLS)
    total = DiscretizedLogisticMixture(*alike, levels).cell_log_prob(x).double().exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=digits)


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 2e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_each_channel_sums_to_one_given_the_previous(
    levels: int, channel: int, dtype: torch.dtype, digits: float
) -> None:
    p = colour(CELLS, levels, dtype)
    x = torch.randint(levels, (1, 3)).expand(levels, 3).clone()
    x[:, channel] = torch.arange(levels)
    total = at_every(p, x)[..., channel].double().exp().sum(0)
    # The difference of two log masses, which in float32 are known to 1e-7 of their size.
    reached = at_every(p, x[:1])[0, :, :channel].sum(-1) > -30
    assert reached.any()
    assert torch.allclose(total[reached], torch.ones_like(total[reached]), rtol=0, atol=digits)


def test_log_masses_are_those_of_scipy_s_logistic() -> None:
    """The formula of the paper, written once more."""
    levels, p = 16, colour(CELLS, 16)
    x = torch.randint(levels, (4, 3))
    mine = at_every(p, x).sum(-1).numpy()
    weights, loc, scale, coefficients = (
        t[0, :, :, 0, 0].numpy() for t in (p.log_weights.exp(), p.loc, p.log_scale.exp(), p.coefficients)
    )

    def mass(level: int, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
        law = logistic(mean, spread)
        above = law.cdf(2 * (level + 1) / levels - 1) if level < levels - 1 else 1.0
        return above - (law.cdf(2 * level / levels - 1) if level else 0.0)

    for i, (r, g, b) in enumerate(x.tolist()):
        tr, tg = (2 * r + 1) / levels - 1, (2 * g + 1) / levels - 1
        red = mass(r, loc[:, 0], scale[:, 0])
        green = mass(g, loc[:, 1] + coefficients[:, 0] * tr, scale[:, 1])
        blue = mass(b, loc[:, 2] + coefficients[:, 1] * tr + coefficients[:, 2] * tg, scale[:, 2])
        truth = (weights[:, 0] * red * green * blue).sum(-1)
        known = truth > 1e-6  # a difference of two numbers near 1 has 16 digits in all
        assert known.any()
        np.testing.assert_allclose(np.exp(mine[i])[known], truth[known], rtol=1e-8)


def test_one_component_is_a_discretised_logistic() -> None:
    logits, loc, log_scale = (t[..., :1] for t in parameters(2, 3, CELLS))
    x = torch.randint(17, (3, CELLS)).double()
    mixture = DiscretizedLogisticMixture(logits, loc, log_scale, 17)
    single = DiscretizedLogistic(loc[..., 0], log_scale[..., 0], 17)
    assert torch.allclose(mixture.log_prob(x), single.log_prob(x), rtol=1e-12)
    assert torch.allclose(mixture.mean, single.mean)
    assert torch.allclose(mixture.variance, single.variance)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_mean_and_variance_are_those_of_the_masses(levels: int) -> None:
    p = DiscretizedLogisticMixture(*parameters(1, 1, CELLS), levels)
    x = torch.arange(levels, dtype=torch.float64)
    mass = torch.stack([p.cell_log_prob(v.expand(1, CELLS)) for v in x]).exp()
    x = x[:, None, None, None]
    mean = (mass * x).sum(0)
    assert torch.allclose(p.mean, mean, rtol=1e-10)
    assert torch.allclose(p.variance, (mass * (x - mean) ** 2).sum(0), rtol=1e-8, atol=1e-10)


def test_mean_and_variance_of_colours_are_close_to_those_of_all_values() -> None:
    """All 17^3 values of a pixel: within 0.02 deviations, and 0.1 of a deviation of half a level or more."""
    p = colour(CELLS, 17)
    x = torch.cartesian_prod(*[torch.arange(17.0, dtype=torch.float64)] * 3)
    mass = at_every(p, x).sum(-1).exp()
    assert torch.allclose(mass.sum(0), torch.ones(CELLS, dtype=torch.float64), rtol=1e-10)
    mean = mass.T @ x
    deviation = (mass.T @ x**2 - mean**2).clamp_min(0).sqrt()
    assert ((p.mean[0, ..., 0, 0] - mean).abs() <= 0.02 * deviation + 0.002).all()
    assert torch.allclose(p.variance[0, ..., 0, 0].sqrt(), deviation, rtol=0.1, atol=0.05)


def test_draws_of_colours_have_the_masses() -> None:
    """Chi-square of 20,000 draws of a pixel over all 4^3 values, p > 1e-4: the coupling is in the draws, too."""
    p = colour(5, 4)
    x = torch.cartesian_prod(*[torch.arange(4)] * 3)
    mass = at_every(p, x).sum(-1).exp().numpy()
    draws = p.sample((20_000,))[:, 0, :, :, 0, 0].long()
    number = (draws * torch.tensor([16, 4, 1])).sum(-1).numpy()
    for pixel in range(5):
        counts, expected = np.bincount(number[:, pixel], minlength=64), mass[:, pixel] * 20_000
        often = expected > 5
        observed, wanted = (np.append(c[often], c[~often].sum()) for c in (counts, expected))
        some = wanted > 1e-6
        assert observed[~some].sum() == 0
        assert chisquare(observed[some], wanted[some] * observed.sum() / wanted[some].sum()).pvalue > 1e-4


def test_draws_belong_to_their_examples() -> None:
    p = colour(5, 256)
    part = ColourDiscretizedLogisticMixture(
        *(t[:, 2:4] for t in (p.log_weights, p.loc, p.log_scale, p.coefficients)), 256
    )
    with keyed_noise(torch.arange(5), seed=1):
        whole = p.sample()
    with keyed_noise(torch.arange(2, 4), seed=1):
        assert torch.equal(whole[:, 2:4], part.sample())


def test_a_pixel_is_missing_as_a_whole() -> None:
    """Where one channel is missing, the pixel is left out."""
    logits, loc, log_scale = parameters(1, 2, 3, 1, 2)
    p = ColourDiscretizedLogisticMixture(logits[:, :, :1], loc, log_scale, torch.tanh(loc), 8)
    x = p.sample()[0]
    mask = torch.ones(2, 3, 1, 2, dtype=torch.bool)
    mask[:, 1, 0, 0] = False
    assert torch.allclose(p.log_prob(x, mask), p.cell_log_prob(x)[..., 1].sum((-1, -2)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_finite_for_saturated_parameters(dtype: torch.dtype) -> None:
    sizes = torch.tensor([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4], dtype=dtype)
    loc = sizes[None, :, None, None, None, None].expand(1, 7, 3, 1, 1, M).clone().requires_grad_()
    logits = (sizes[:3] * 10)[None, None, None, None, None].expand(1, 7, 1, 1, 1, M).clone().requires_grad_()
    for log_scale in (-7.0, 0.0, 50.0, 80.0):
        spread = torch.full_like(loc, log_scale, requires_grad=True)
        p = ColourDiscretizedLogisticMixture(logits, loc, spread, torch.ones_like(loc), 256)
        log_p = p.log_prob(torch.tensor([0.0, 100.0, 255.0], dtype=dtype)[:, None, None].expand(7, 3, 1, 1))
        assert log_p.isfinite().all()
        for gradient in torch.autograd.grad(log_p.sum(), (logits, loc, spread)):
            assert gradient.isfinite().all()
