from __future__ import annotations

import math
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import AutoregressiveTokensLikelihood
from lvm_experiments.models import VAE, ConditionalVAE, LatentVariableModel
from lvm_experiments.networks import GRUEncoder, MLPDecoder
from lvm_experiments.objectives import IWAE, RWS, Progress
from lvm_experiments.objectives.rws import dream
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior, VampPrior
from lvm_experiments.spec import DataSpec
from tests.objectives.models import PIXELS, discrete, flat, gradients, log_tables, mean_gradient, small_vae
from tests.support.parts import TwoLayers
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")
X = IMAGES[5:6]


def rows(objective: RWS, model: LatentVariableModel, x: Tensor, repeats: int) -> Tensor:
    return torch.stack(
        [flat(gradients(objective(model, Batch(x), Progress()).loss["model"], model)) for _ in range(repeats)]
    )


def agrees(found: Tensor, truth: Tensor) -> None:
    """Every entry of the mean is within 5 standard errors, and they are small."""
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - truth).abs() < 5 * error + 1e-12).all()
    assert error.max() < 0.05 * truth.abs().max()


def of_joint(log_joint: Tensor, log_q: Tensor, weight: Tensor, model: LatentVariableModel) -> Tensor:
    return flat(gradients(-(weight.detach() * (log_joint + log_q)).sum(), model))


@pytest.mark.parametrize("sleep", [0.0, 0.5, 1.0])
def test_the_model_s_gradient_is_that_of_the_importance_weighted_bound(sleep: float) -> None:
    """Draw by draw."""
    model = Tiny.make().model
    found = []
    for objective in (RWS(6, sleep=sleep), IWAE(6)):
        torch.manual_seed(7)
        loss = objective(model, Batch(IMAGES), Progress()).loss["model"]
        found.append(flat(gradients(loss, model.decoder)))
    assert torch.allclose(*found, atol=1e-12)
    assert found[1].abs().max() > 0.01


def test_the_expected_wake_gradient_by_going_through_all_draws() -> None:
    """Self-normalised weights of pairs, summed by hand."""
    model = discrete()
    log_joint, log_q = (table[:, 0] for table in log_tables(model, X))
    truth = torch.zeros(())
    for pair in product(range(9), repeat=2):
        index = torch.tensor(pair)
        weight = (log_joint - log_q)[index].softmax(0).detach()
        chance = log_q[index].sum().exp().detach()
        truth = truth - chance * (weight * (log_joint + log_q)[index]).sum()
    found = flat(mean_gradient(RWS(2), model, X, 2))
    assert torch.allclose(found, flat(gradients(truth, model)), atol=1e-12)


def test_with_many_draws_the_wake_phase_descends_the_inclusive_divergence() -> None:
    """- E_{p(z|x)}[grad log q(z|x)], and - E_{p(z|x)}[grad log p(x, z)]."""
    model = discrete()
    log_joint, log_q = log_tables(model, X)
    truth = of_joint(log_joint, log_q, log_joint.softmax(0), model)
    found = rows(RWS(20_000), model, X, 12)
    error = found.std(0) / len(found) ** 0.5
    # The bias of self-normalised weights is of the order 1 / K.
    assert ((found.mean(0) - truth).abs() < 5 * error + 1e-3 * truth.abs().max()).all()
    assert error.max() < 0.02 * truth.abs().max()


def test_the_sleep_phase_descends_the_same_over_the_model_s_own_x() -> None:
    """- E_{p(x, z)}[grad log q(z|x)], by going through all x and z."""
    model = discrete()
    log_joint, log_q = log_tables(model, IMAGES)
    chance = log_joint.exp().detach()
    assert chance.sum().item() == pytest.approx(1)
    truth = flat(gradients(-(chance * log_q).sum(), model.encoder))
    found = []
    for _ in range(12):
        loss = RWS(2, sleep=1.0)(model, Batch(X.expand(10_000, -1)), Progress()).loss["model"]
        found.append(flat(gradients(loss, model.encoder)))
    agrees(torch.stack(found), truth)


def test_half_asleep_is_the_mean_of_both() -> None:
    model = Tiny.make().model
    found = []
    for sleep in (0.0, 0.5, 1.0):
        torch.manual_seed(7)
        found.append(flat(gradients(RWS(3, sleep=sleep)(model, Batch(IMAGES), Progress()).loss["model"], model)))
    assert torch.allclose(found[1], (found[0] + found[2]) / 2, atol=1e-12)
    assert not torch.allclose(found[0], found[2], atol=1e-2)


@pytest.mark.parametrize("kind", ["vae", "layers", "vamp"])
def test_dreams_are_the_model_s_own(kind: str) -> None:
    """The mean of x is that of its samples; and log p(x, z) of them is finite."""
    if kind == "layers":
        model: LatentVariableModel = TwoLayers(PIXELS)
    elif kind == "vae":
        model = Tiny.make().model
    else:
        model = small_vae(DiagonalNormalPosterior, partial(VampPrior, number=3, start="random"))
    batch, z = dream(model, Batch(torch.zeros(20_000, 3)))
    assert batch.x is not None
    assert batch.x.shape == (20_000, 3)
    assert all(value.shape[:2] == (1, 20_000) for value in z.values())
    assert model.log_joint(batch, z).shape == (1, 20_000)
    own = model.sample(20_000)
    assert ((batch.x.mean(0) - own.mean(0)).abs() < 5 * math.sqrt(0.5 / 20_000)).all()


def test_dreams_have_the_condition_of_their_batch() -> None:
    """A label is one, though it stands in a field of its own."""
    labels = torch.arange(8) % 3
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior, kind=ConditionalVAE, spec=PIXELS.replace(classes=3))
    batch, _ = dream(model, Batch(IMAGES, label=labels))
    assert batch.condition is not None
    assert torch.equal(batch.condition, torch.eye(3)[labels])
    loss = RWS(3, sleep=0.5)(model, Batch(IMAGES, label=labels), Progress()).loss["model"]
    assert torch.isfinite(loss)


@pytest.mark.parametrize("words", [("<eos>", "a", "b"), ()], ids=["an end", "no end"])
def test_dreamt_sequences_are_as_long_as_data_are(words: tuple[str, ...]) -> None:
    """Up to the end they drew, which counts; where nothing ends a sequence, as long as the batch's."""
    spec = DataSpec("tokens", (4,), levels=3, words=words)
    encoder, decoder = partial(GRUEncoder, hidden=4, embedding=3, bidirectional=False), partial(MLPDecoder, hidden=[5])
    likelihood = partial(AutoregressiveTokensLikelihood, context=4, hidden=5, embedding=3)
    model = VAE(spec, 2, encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, likelihood)
    given = torch.arange(200) % 4 + 1
    batch, _ = dream(model, Batch(torch.ones(200, 4), lengths=given))
    assert batch.x is not None
    assert batch.lengths is not None
    ends = [row.index(0) + 1 if 0 in row else 4 for row in batch.x.tolist()]
    assert len(set(ends)) == 4
    assert batch.lengths.tolist() == (ends if words else given.tolist())


def test_what_is_missing_in_the_data_is_not_missing_in_dreams() -> None:
    model = Tiny.make().model
    mask = torch.tensor([[True, False, True]]).expand(8, -1)
    batch, _ = dream(model, Batch(IMAGES, mask=mask, index=torch.arange(8)))
    assert batch.observed is None
    loss = RWS(3, sleep=0.5)(model, Batch(IMAGES, mask=mask), Progress()).loss["model"]
    assert torch.isfinite(loss)


def test_one_draw_is_warned_of() -> None:
    assert len(RWS(1).warnings(Progress())) == 1
    assert RWS(2).warnings(Progress()) == RWS(1, sleep=1.0).warnings(Progress()) == []
