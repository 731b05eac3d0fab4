"""Images cell by cell, against all images there can be."""

from __future__ import annotations

from itertools import product

import pytest
import scipy.stats
import torch
from torch import Tensor

from lvm_experiments.distributions import autoregressive_pixels as module
from lvm_experiments.likelihoods import (
    AutoregressiveBernoulliLikelihood,
    AutoregressiveCategoricalLikelihood,
    AutoregressiveDiscretizedLogisticLikelihood,
    Likelihood,
)
from lvm_experiments.networks.gated_pixel_cnn import GatedPixelCNN
from lvm_experiments.noise import keyed_noise
from lvm_experiments.spec import DataSpec

CASES = [
    (AutoregressiveBernoulliLikelihood, (1, 3, 3), 2),
    (AutoregressiveBernoulliLikelihood, (2, 2, 2), 2),
    (AutoregressiveCategoricalLikelihood, (3, 1, 2), 3),
    (AutoregressiveDiscretizedLogisticLikelihood, (1, 2, 2), 4),
]
IDS = [f"{kind.__name__}-{shape}" for kind, shape, _ in CASES]
every_case = pytest.mark.parametrize(("kind", "shape", "levels"), CASES, ids=IDS)
pytestmark = pytest.mark.usefixtures("float64")


def built(kind: type[Likelihood], shape: tuple[int, ...], levels: int) -> Likelihood:
    """With large weights, so that cells hang on those before."""
    part = kind(DataSpec(kind.space, shape, levels=levels), context=2, layers=2, features=4, kernel=3)  # type: ignore[call-arg]
    for p in part.parameters():
        p.data.mul_(3)
    return part


def everything(shape: tuple[int, ...], levels: int) -> Tensor:
    cells = torch.Size(shape).numel()
    return torch.tensor(list(product(range(levels), repeat=cells)), dtype=torch.float64).reshape(-1, *shape)


@every_case
@torch.no_grad()
def test_all_images_have_mass_1_and_draws_their_frequencies(
    kind: type[Likelihood], shape: tuple[int, ...], levels: int
) -> None:
    part, x, n = built(kind, shape, levels), everything(shape, levels), 5_000
    raw = torch.randn(1, 1, *part.parameter_shape)
    mass = part(raw.expand(1, len(x), *part.parameter_shape)).log_prob(x)[0].exp()
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    draws = part(raw).sample((n,)).reshape(n, -1)
    place = levels ** torch.arange(draws.shape[1]).flip(0)
    found = torch.bincount((draws.long() * place).sum(1), minlength=len(x)).double()
    rare = n * mass < 5
    both = [torch.cat([v[~rare], v[rare].sum()[None]]).numpy() for v in (found, n * mass)]
    assert scipy.stats.chisquare(*both).pvalue > 1e-4


@every_case
@torch.no_grad()
def test_a_cell_changes_later_ones_and_no_other(kind: type[Likelihood], shape: tuple[int, ...], levels: int) -> None:
    part, x = built(kind, shape, levels), torch.zeros(shape)
    p = part(torch.randn(1, 20, *part.parameter_shape))  # 20 contexts, of which some leave a unit asleep
    channels, height, width = shape
    order = [(c, i, j) for i, j, c in product(range(height), range(width), range(channels))]
    before = p.cell_log_prob(x)[0]
    for n, cell in enumerate(order):
        other = x.clone()
        other[cell] = levels - 1
        changed = (p.cell_log_prob(other)[0] != before).any(0)
        after = [bool(changed[place]) for place in order]
        assert not any(after[:n])
        assert all(after[n : n + 2])


@torch.no_grad()
def test_enough_layers_see_all_that_comes_before_without_a_blind_spot() -> None:
    network = GatedPixelCNN(1, context=1, parameters=1, layers=4, features=4, kernel=3)
    x, context = torch.randn(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    before = network(context, x)
    for i, j in product(range(5), range(5)):
        other = x.clone()
        other[0, 0, i, j] += 1
        changed = (network(context, other) != before)[0, 0, 0]
        for k, m in product(range(5), range(5)):
            near = k - i <= 4 and abs(m - j) <= 4
            assert changed[k, m] == (near and (k, m) > (i, j) and not (k == i and m - j > 4))


@every_case
@torch.no_grad()
def test_a_draw_is_the_one_of_going_from_cell_to_cell(
    kind: type[Likelihood], shape: tuple[int, ...], levels: int
) -> None:
    part = built(kind, shape, levels)
    raw, index = torch.randn(2, 3, *part.parameter_shape), torch.arange(3)
    p = part(raw)
    with keyed_noise(index, seed=5):
        draws = p.sample()
    with keyed_noise(index, seed=5):
        u = torch.rand(2, 3, *shape)
    x = torch.zeros_like(u)
    channels, height, width = shape
    for i, j, c in product(range(height), range(width), range(channels)):
        given = p._given(raw.flatten(0, 1), x.flatten(0, 1))
        given._noise = lambda size, like: u.flatten(0, 1)[None]  # type: ignore[method-assign]
        x[..., c, i, j] = given.sample().reshape(x.shape)[..., c, i, j]
    assert torch.equal(draws, x)
    with keyed_noise(index[1:], seed=5, first=1):
        assert torch.equal(part(raw[1:, 1:]).sample(), draws[1:, 1:])


@every_case
@torch.no_grad()
def test_what_stands_for_a_mean_is_each_cell_s_given_the_means_before(
    kind: type[Likelihood], shape: tuple[int, ...], levels: int
) -> None:
    part = built(kind, shape, levels)
    raw = torch.randn(1, 3, *part.parameter_shape)
    p = part(raw)
    mean = p.mean
    assert torch.allclose(p._given(raw[0], mean[0]).mean, mean, atol=1e-12)
    assert (mean >= 0).all()
    assert (mean <= levels - 1).all()
    assert torch.equal(p.mean, mean)
    with pytest.raises(NotImplementedError):
        _ = p.variance


def test_where_cells_do_not_hang_on_each_other_the_mean_is_the_mean() -> None:
    part = built(AutoregressiveBernoulliLikelihood, (1, 3, 3), 2)
    assert isinstance(part.network, GatedPixelCNN)
    for name, p in part.network.named_parameters():
        if name.startswith("layers.0.") and name.split(".")[2] in ("above", "left"):
            p.data.zero_()  # the first layer sees no cell
    p = part(torch.randn(1, 1, *part.parameter_shape))
    draws = p.sample((4000,))
    assert torch.allclose(draws.mean(0), p.mean, atol=4 * 0.5 / 4000**0.5)


@torch.no_grad()
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    part = built(AutoregressiveCategoricalLikelihood, (3, 1, 2), 3)
    p, x = part(torch.randn(2, 5, *part.parameter_shape)), everything((3, 1, 2), 3)[100:105]
    whole, mean = p.log_prob(x), p.mean
    torch.manual_seed(1)
    draws = p.sample((3,))
    monkeypatch.setattr(module, "_CELLS", 300)
    assert torch.allclose(p.log_prob(x), whole, atol=1e-12)
    assert torch.allclose(p.mean, mean, atol=1e-12)
    torch.manual_seed(1)
    assert torch.equal(p.sample((3,)), draws)


@pytest.mark.parametrize("kernel", [1, 4])
def test_a_kernel_without_a_middle_or_reach_is_refused(kernel: int) -> None:
    with pytest.raises(ValueError, match=f"odd and at least 3, not {kernel}"):
        GatedPixelCNN(1, context=1, parameters=1, layers=1, features=2, kernel=kernel)
