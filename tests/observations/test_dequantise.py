"""Trap 8: noise on the open interval, the log-determinant, and the way back to exactly the same levels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import ContinuousBernoulli, DiscretizedLogistic
from lvm_experiments.noise import keyed_noise
from lvm_experiments.observations import Identity, Intensity, ToReal, ToUnit, observe
from lvm_experiments.spec import DataSpec
from tests.support.given_noise import given_uniform
from tests.support.parts import HistogramCells

# Every number that torch.rand can give in float32 is a multiple of 2^-24.
uniforms = st.one_of(
    st.sampled_from([0.0, 2.0**-24, 2.0**-23, 0.5, 1 - 2.0**-23, 1 - 2.0**-24]),
    st.integers(0, 2**24 - 1).map(lambda n: n * 2.0**-24),
)
levels_ = st.sampled_from([2, 3, 16, 17, 100, 255, 256, 1000, 65_536])


def ramp(levels: int) -> DataSpec:
    values = torch.arange(levels, dtype=torch.float32)
    return DataSpec("bytes", (levels,), levels=levels, mean=values, std=torch.rand(levels) * levels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(levels=levels_, u=uniforms, standardise=st.booleans(), real=st.booleans())
def test_noise_stays_inside_the_bin_whatever_is_drawn(
    dtype: torch.dtype, levels: int, u: float, *, standardise: bool, real: bool
) -> None:
    """Never 0 nor 1, and the way back gives every level exactly."""
    source = ramp(levels)
    x = torch.arange(levels)[None]
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        part = ToReal(source, standardise=standardise) if real else ToUnit(source)
        with given_uniform(u):
            y = part(x)
    finally:
        torch.set_default_dtype(before)
    assert y.dtype == dtype
    assert torch.equal(part.inverse(y), x.to(dtype))
    if not real:
        assert y.min() > 0
        assert y.max() < 1
        inside = (y * levels - x).double()
        assert ((inside > 0) & (inside < 1)).all()


def test_noise_is_uniform_within_a_bin() -> None:
    """Kolmogorov-Smirnov of 200,000 draws over three bins, p > 1e-4."""
    x = torch.tensor([[0, 100, 255]], dtype=torch.uint8).expand(200_000, -1)
    y = ToUnit(DataSpec("bytes", (3,), levels=256))(x)
    inside = (y * 256 - x).double().numpy()
    for cell in range(3):
        assert kstest(inside[:, cell], "uniform").pvalue > 1e-4


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_the_log_determinant_is_the_number_of_levels_and_the_scale(levels: int) -> None:
    source = DataSpec("bytes", (3, 2, 2), levels=levels, mean=torch.rand(3, 2, 2), std=torch.rand(3, 2, 2) + 1)
    assert ToUnit(source).log_det() == pytest.approx(-12 * math.log(levels), rel=1e-12)
    assert ToReal(source).log_det() == pytest.approx(-12 * math.log(levels), rel=1e-12)
    part = ToReal(source, standardise=True)
    # From the map itself: how far apart two neighbouring levels end up.
    with given_uniform(0.5):
        gap = part(torch.ones(1, 3, 2, 2)) - part(torch.zeros(1, 3, 2, 2))
    assert part.log_det() == pytest.approx(gap.double().log().sum().item(), rel=1e-5)


def test_columns_of_a_table_are_standardised_one_by_one() -> None:
    x = torch.randn(1000, 3) * torch.tensor([1.0, 100.0, 0.01]) + torch.tensor([5.0, -3.0, 0.0])
    part = ToReal(DataSpec("real", (3,), mean=x.mean(0), std=x.std(0)), standardise=True)
    y = part(x)
    assert torch.allclose(y.mean(0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(y.std(0), torch.ones(3), atol=1e-4)
    assert torch.allclose(part.inverse(y), x, rtol=1e-5, atol=1e-4)
    assert part.log_det() == pytest.approx(-x.std(0).double().log().sum().item(), rel=1e-5)
    assert part.spec.mean is not None
    assert part.spec.std is not None
    assert torch.allclose(part.spec.mean, torch.zeros(3))
    assert torch.allclose(part.spec.std, torch.ones(3))


def test_images_are_standardised_over_all_cells() -> None:
    """So that a border that never varies is not divided by nothing."""
    x = torch.randint(0, 256, (2000, 1, 4, 4)).float()
    x[..., 0] = 3.0
    spec = DataSpec("bytes", (1, 4, 4), levels=256, mean=x.mean(0), std=x.std(0))
    y = ToReal(spec, standardise=True)(x)
    assert y.mean().item() == pytest.approx(0, abs=1e-3)
    assert y.std().item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("levels", [2, 17])
def test_the_summary_is_that_of_the_mapped_data(levels: int) -> None:
    """The noise's own variance included."""
    x = torch.randint(0, levels, (50_000, 2)).float()
    source = DataSpec("bytes", (2,), levels=levels, mean=x.mean(0), std=x.std(0))
    for part in (ToUnit(source), ToReal(source), ToReal(source, standardise=True), Intensity(source)):
        y = part(x)
        assert part.spec.mean is not None
        assert part.spec.std is not None
        assert torch.allclose(y.mean(0), part.spec.mean, atol=0.02)
        assert torch.allclose(y.std(0), part.spec.std, atol=0.02)


def test_the_map_s_noise_is_not_the_model_s() -> None:
    """Both are keyed by seed and example: of one stream, the first latent would know the dequantisation."""
    x, index = torch.zeros(2000, 10), torch.arange(2000)
    y = observe(ToUnit(DataSpec("bytes", (10,), levels=2)), Batch(x, index=index), seed=5).x
    assert y is not None
    with keyed_noise(index, 5):
        u = torch.rand(1, 2000, 10)[0]
    r = torch.corrcoef(torch.stack([y.flatten(), u.flatten()]))[0, 1]
    assert abs(r) < 5 / 20_000**0.5


def test_standardising_needs_a_summary() -> None:
    with pytest.raises(ValueError, match="training mean and deviation"):
        ToReal(DataSpec("real", (3,)), standardise=True)


def test_a_column_that_never_varies_is_left_alone() -> None:
    spec = DataSpec("real", (2,), mean=torch.tensor([1.0, 2.0]), std=torch.tensor([0.0, 2.0]))
    part = ToReal(spec, standardise=True)
    assert torch.equal(part(torch.tensor([[1.0, 4.0]])), torch.tensor([[0.0, 1.0]]))
    assert part.log_det() == pytest.approx(-math.log(2))


# ---- densities ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("float64")
def test_a_piecewise_constant_density_has_exactly_the_log_mass() -> None:
    """log p(y) + log det is log P(x) for every single draw of the noise: the bound is an equality."""
    levels = 17
    mass = torch.rand(levels) + 0.1
    mass /= mass.sum()
    x = torch.randint(0, levels, (200, 6))
    part = ToUnit(DataSpec("bytes", (6,), levels=levels))
    y = observe(part, Batch(x, index=torch.arange(200)), seed=0).x
    assert y is not None
    log_p = HistogramCells(torch.zeros(1, 200, 6), mass).log_prob(y)[0] + part.log_det()
    assert torch.allclose(log_p, mass.log()[x].sum(1), rtol=1e-12)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("levels", [4, 17])
def test_a_smooth_density_gives_a_strict_lower_bound(levels: int) -> None:
    """E_u[log p(y)] - log levels < log P(x), the bin's mass; both by 100-node Gauss-Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(100)
    u, weights = torch.tensor((nodes + 1) / 2), torch.tensor(weights / 2)
    y = (torch.arange(levels)[:, None] + u) / levels
    p = ContinuousBernoulli(torch.full((1, levels, 100), 5.0))
    log_p = p.cell_log_prob(y)[0]
    bound = (log_p * weights).sum(1) - math.log(levels)
    mass = (log_p.exp() * weights).sum(1).div(levels).log()
    assert mass.exp().sum().item() == pytest.approx(1, abs=1e-12)
    assert (mass - bound > 1e-4).all()
    # What the map's own noise gives: 20,000 draws, 5 standard errors.
    part = ToUnit(DataSpec("bytes", (levels,), levels=levels))
    x = torch.arange(levels).expand(20_000, -1)
    drawn = ContinuousBernoulli(torch.full((1, 20_000, levels), 5.0)).cell_log_prob(part(x))[0]
    error = drawn.std(0) / 20_000**0.5
    assert ((drawn.mean(0) - math.log(levels) - bound).abs() < 5 * error).all()


# ---- conventions -------------------------------------------------------------------------------


def test_255_and_256_are_not_mixed_up() -> None:
    """Intensity divides by levels - 1 and reaches 0 and 1; dequantisation divides by levels and reaches neither."""
    x = torch.tensor([[0, 128, 255]], dtype=torch.uint8)
    source = DataSpec("bytes", (3,), levels=256)
    assert torch.allclose(Intensity(source)(x), torch.tensor([[0, 128 / 255, 1.0]]))
    with given_uniform(0.5):
        y = ToUnit(source)(x)
    assert torch.allclose(y, torch.tensor([[0.5 / 256, 128.5 / 256, 255.5 / 256]]))
    assert torch.equal(Identity(source)(x), x.float())
    # The discretised logistic's levels stand in the middle of the same bins, on [-1, 1].
    centre = 2 * y - 1
    p = DiscretizedLogistic(centre[None], torch.full((1, 1, 3), -7.0), 256)
    assert torch.equal(p.mean.round()[0], x.float())
    assert torch.allclose(source.embed(x), centre)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_every_level_survives_every_map_that_can_give_it_back(levels: int) -> None:
    source = DataSpec("bytes", (levels,), levels=levels)
    x = torch.arange(levels)[None]
    for part in (Identity(source), Intensity(source), ToUnit(source), ToReal(source)):
        assert torch.equal(part.inverse(part(x)), x.float())


def test_intensities_say_nothing_of_the_levels() -> None:
    part = Intensity(DataSpec("bytes", (3,), levels=256))
    assert not part.lossless
    assert part.log_det() is None


def test_draws_outside_are_given_back_as_the_nearest_level() -> None:
    y = torch.tensor([[-3.0, 0.2, 7.0]])
    source = DataSpec("bytes", (3,), levels=16)
    assert torch.equal(ToReal(source).inverse(y), torch.tensor([[0.0, 3.0, 15.0]]))
    assert torch.equal(Identity(source).inverse(10 * y), torch.tensor([[0.0, 2.0, 15.0]]))


def test_what_is_there_already_is_kept() -> None:
    x = torch.rand(2, 3)
    unit, real = DataSpec("unit", (3,)), DataSpec("real", (3,))
    assert torch.equal(ToUnit(unit)(x), x)
    assert torch.equal(ToReal(unit)(x), x)
    assert torch.equal(ToReal(real)(x), x)
    assert ToUnit(unit).log_det() == ToReal(real).log_det() == 0.0
    assert ToReal(unit).spec.space == "real"


def test_descriptions_tell_measured_spaces_apart() -> None:
    source = DataSpec("bytes", (3,), levels=17, mean=torch.ones(3), std=torch.ones(3))
    other = source.replace(levels=256)
    maps = [Identity(source), Identity(other), Intensity(source), ToUnit(source), ToUnit(other)]
    maps += [ToReal(source), ToReal(source, standardise=True)]
    assert len({m.description for m in maps}) == len(maps)


def test_a_batch_without_observations_passes() -> None:
    batch = Batch(None, condition=torch.zeros(2, 1))
    assert observe(Identity(DataSpec("real", (3,))), batch, seed=0) is batch
