"""Missing cells, filled in by their mean given the others."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import HeterogeneousLikelihood, MultinomialLikelihood
from lvm_experiments.models import VAE, ProbabilisticPCA
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import example_of
from tests.support.linear_gaussian import LinearGaussian

pytestmark = pytest.mark.usefixtures("float64")
MASKS = torch.tensor(list(product([False, True], repeat=5)))


def conditional_mean(lg: LinearGaussian, x: Tensor) -> Tensor:
    """E[x_mis | x_obs] by the formula for normal distributions, in numpy; row i has mask i."""
    found = x.numpy().copy()
    for row, o in zip(found, MASKS.numpy(), strict=True):
        gain = lg.covariance[np.ix_(~o, o)] @ np.linalg.inv(lg.covariance[np.ix_(o, o)])
        row[~o] = lg.b[~o] + gain @ (row[o] - lg.b[o])
    return torch.tensor(found)


def test_it_is_the_exact_conditional_mean_for_every_mask() -> None:
    lg = LinearGaussian.make(1.0)
    x, model, K = lg.simulate(32), lg.model(stretch=2.0), 20_000
    batch = Batch(x, mask=MASKS)
    truth = conditional_mean(lg, x)
    torch.manual_seed(7)
    found = model.impute(batch, K, chunk=8_000)
    assert torch.equal(found[MASKS], x[MASKS])
    torch.manual_seed(7)
    draws = list(model.draws(batch, K, chunk=8_000))
    weight = torch.cat([draw.log_weight for draw in draws]).softmax(0).unsqueeze(-1)
    error = (weight**2 * (torch.cat([draw.x.mean for draw in draws]) - found) ** 2).sum(0).sqrt()
    gap = (found - truth).abs()[~MASKS]
    assert (gap < 4 * error[~MASKS]).all()
    assert error[~MASKS].max() < 0.1
    # One decoded posterior mean, as reconstructions are, is another thing.
    assert ((model.reconstruct(batch) - truth).abs()[~MASKS].max()) > 0.3


def test_an_exact_posterior_weighs_all_draws_alike() -> None:
    lg = LinearGaussian.make(0.5)
    model = ProbabilisticPCA(DataSpec("real", (5,)), 2)
    with torch.no_grad():
        model.mean.copy_(torch.tensor(lg.b))
        model.weight.copy_(torch.tensor(lg.W))
        model.likelihood.log_scale.fill_(0.5 * np.log(0.5))
    x = lg.simulate(32)
    found = model.impute(Batch(x, mask=MASKS), 40_000, chunk=8_000)
    assert torch.allclose(found, conditional_mean(lg, x), atol=0.05)


def test_no_number_depends_on_the_chunk_or_on_what_stands_in_missing_cells() -> None:
    lg = LinearGaussian.make(1.0)
    x, model = lg.simulate(32), lg.model(shift=0.3)
    found = []
    for chunk, filler in ((None, 0.0), (7, 1e6), (1, np.nan)):
        batch = Batch(torch.where(MASKS, x, filler), mask=MASKS, index=torch.arange(32))
        found.append(model.impute(batch, 50, chunk=chunk, seed=3))
    assert all(torch.allclose(found[0], other, rtol=1e-12, atol=1e-12) for other in found[1:])
    again = model.impute(Batch(torch.where(MASKS, x, -5.0), mask=MASKS, index=torch.arange(32)), 50, seed=3)
    assert torch.equal(again, found[0])


def test_where_nothing_is_missing_x_is_what_it_is() -> None:
    x = torch.randn(3, 5)
    assert LinearGaussian.make().model().impute(x, 4) is x


TABLE = DataSpec("mixed", (4,), columns=("real", "categorical(3)", "counts", "categorical(5)"))


def network(spec: DataSpec, likelihood: type) -> VAE:
    parts = partial(MLPEncoder, hidden=[5]), partial(MLPDecoder, hidden=[5])
    return VAE(spec, 2, parts[0], DiagonalNormalPosterior, StandardNormalPrior, parts[1], likelihood)


def test_a_category_is_the_most_probable_one() -> None:
    """Of its probabilities, weighed by hand; an average of numbers of categories would be none."""
    model, x = network(TABLE, HeterogeneousLikelihood), example_of(TABLE, 40)
    mask = torch.rand(40, 4) < 0.4
    torch.manual_seed(7)
    found = model.impute(Batch(x, mask=mask), 200)
    torch.manual_seed(7)
    draw = model.draw(Batch(x, mask=mask), 200, differentiable=False)
    weight = draw.log_weight.softmax(0)
    for column, n in ((1, 3), (3, 5)):
        chances = []
        for value in range(n):
            table = torch.ones(40, 4)
            table[:, column] = value
            chances.append((weight * draw.x.cell_log_prob(table)[..., column].exp()).sum(0))
        assert torch.allclose(torch.stack(chances).sum(0), torch.ones(40))
        hidden = ~mask[:, column]
        assert torch.equal(found[hidden, column], torch.stack(chances).argmax(0)[hidden].double())
    for column in (0, 2):
        mean = (weight * draw.x.mean[..., column]).sum(0)
        assert torch.allclose(found[:, column], torch.where(mask[:, column], x[:, column], mean))
    assert torch.equal(found[mask], x[mask])


def test_categories_are_reconstructed_and_shown_as_the_most_probable_one_too() -> None:
    """Even chances of the first and the third are no reason to say the second."""
    model, x = network(TABLE, HeterogeneousLikelihood), example_of(TABLE, 40)
    torch.nn.init.normal_(model.decoder.layers[-1].bias, std=3.0)
    z = model.encode(x)
    p, found = model.p_x(z["z"][None]), model.reconstruct(x)
    for column, n in ((1, 3), (3, 5)):
        tables = [torch.ones(40, 4).index_fill(1, torch.tensor(column), v) for v in range(n)]
        chances = torch.stack([p.cell_log_prob(table)[0, :, column] for table in tables])
        assert torch.equal(found[:, column], chances.argmax(0).double())
        shown = model.sample(200, mean=True)[:, column]
        assert torch.equal(shown, shown.round())
    for column in (0, 2):
        assert torch.equal(found[:, column], p.mean[0, :, column])


def test_what_cannot_be_filled_in_is_refused() -> None:
    lg = LinearGaussian.make()
    with pytest.raises(ValueError, match="no observations"):
        lg.model().impute(Batch(None, index=torch.arange(3)), 5)
    with pytest.raises(ValueError, match="at least one draw"):
        lg.model().impute(Batch(lg.simulate(32), mask=MASKS), 0)
    counts = DataSpec("counts", (4,))
    model, x = network(counts, MultinomialLikelihood), example_of(counts, 3)
    with pytest.raises(ValueError, match="whole examples"):
        model.impute(Batch(x, mask=torch.tensor([[True, True, False, True]]).expand(3, -1)), 5)
