"""Doubly reparameterised gradients and sticking the landing, against autograd of the bound."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import HierarchicalVAE, LadderVAE, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import IWAE, STL, DReG, Losses, Objective, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior, FullNormalPosterior, IAFPosterior, NSFPosterior
from lvm_experiments.priors import StandardNormalPrior, VampPrior
from tests.objectives.models import PIXELS, flat, gradients, small_vae
from tests.support.linear_gaussian import LinearGaussian
from tests.support.parts import TwoLayers
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")


def two_layers() -> LatentVariableModel:
    model = TwoLayers(PIXELS)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.7 * torch.randn_like(p))
    return model


def layered(kind: type[HierarchicalVAE | LadderVAE]) -> LatentVariableModel:
    """Two layers, inferred from the bottom up or from the top down."""
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
    model = kind(
        PIXELS,
        latent_dim=2,
        layers=2,
        widening=2,
        hidden=[5],
        activation="tanh",
        encoder=networks[0],
        posterior=DiagonalNormalPosterior,
        prior=StandardNormalPrior,
        decoder=networks[1],
        likelihood=BernoulliLikelihood,
    )
    return stirred(model, "")


def stirred(model: LatentVariableModel, part: str = "posterior") -> LatentVariableModel:
    """Away from a start at the identity, where a flow is no test."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.startswith(part):
                p.add_(0.4 * torch.randn_like(p))
    return model


MODELS: dict[str, Callable[[], LatentVariableModel]] = {
    "tiny": lambda: Tiny.make().model,
    "vamp": lambda: small_vae(DiagonalNormalPosterior, partial(VampPrior, number=3, start="random", spread=1.0)),
    "two layers": two_layers,
    "hierarchy": lambda: layered(HierarchicalVAE),
    "ladder": lambda: layered(LadderVAE),
    "full normal": lambda: stirred(small_vae(FullNormalPosterior, StandardNormalPrior)),
    "iaf": lambda: stirred(small_vae(partial(IAFPosterior, hidden=[4]), StandardNormalPrior)),
    "nsf": lambda: stirred(small_vae(partial(NSFPosterior, hidden=[4]), StandardNormalPrior)),
}


def gaps(
    one: Objective, other: Objective, model: LatentVariableModel, batches: int, copies: int
) -> tuple[Tensor, Tensor]:
    """Paired differences of both gradients, a row for each batch of copies of the images; and the other's."""
    batch, rows, others = Batch(IMAGES.repeat(copies, 1)), [], []
    for seed in range(batches):
        found = []
        for objective in (one, other):
            torch.manual_seed(seed)
            found.append(flat(gradients(objective(model, batch, Progress()).loss["model"], model)))
        rows.append(found[0] - found[1])
        others.append(found[1])
    return torch.stack(rows), torch.stack(others)


def t_values(rows: Tensor) -> Tensor:
    # Rounding is no bias: the decoder's gradients are the same but for it.
    return rows.mean(0) / (rows.std(0) / len(rows) ** 0.5 + 1e-14)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_doubly_reparameterised_gradients_are_unbiased(name: str) -> None:
    """Paired t-tests of every parameter over 9,600 estimates with 4 draws each."""
    rows, others = gaps(DReG(4), IWAE(4), MODELS[name](), 60, 20)
    assert t_values(rows).abs().max() < 4.5
    # They are other estimates of something that is not zero.
    assert rows.std(0).max() > 1e-3 * others.abs().max()
    assert t_values(others).abs().max() > 20


@pytest.mark.parametrize("name", ["tiny", "vamp", "two layers"])
def test_the_loss_and_what_the_decoder_gets_are_the_bound_s(name: str) -> None:
    model = MODELS[name]()
    for objective in (DReG(4), STL(4)):
        found = []
        for each in (objective, IWAE(4)):
            torch.manual_seed(7)
            losses = each(model, Batch(IMAGES), Progress())
            decoder = [p for n, p in model.named_parameters() if n.startswith(("decoder", "p_x"))]
            found.append((losses, flat(list(torch.autograd.grad(losses.loss["model"], decoder)))))
        (one, mine), (other, theirs) = found
        assert one.loss["model"].item() == pytest.approx(other.loss["model"].item(), rel=1e-12)
        assert torch.allclose(mine, theirs, atol=1e-12)
        for term in ("iw_elbo", "elbo", "rate", "distortion"):
            assert torch.allclose(one.terms[term], other.terms[term], atol=1e-12), term


class _AsPublished(DReG):
    """The encoder is held still in all of log w, so what it does as a prior is lost."""

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        taps = {name: z.view_as(z) for name, z in self.draw(model, batch, self.num_samples).z.items()}
        inference = [p for n, p in model.named_parameters() if n.startswith(("encoder", "posterior"))]
        for p in inference:
            p.requires_grad_(False)
        log_weight = model.log_joint(batch, taps) - model.log_posterior(batch, taps)
        for p in inference:
            p.requires_grad_(True)
        weight = log_weight.detach().softmax(0)
        taps["z"].register_hook(lambda gradient: gradient * weight.unsqueeze(-1))
        return Losses({"model": -torch.logsumexp(log_weight, 0).mean()}, {})


def test_the_comparison_sees_what_the_published_form_leaves_out() -> None:
    """The test above is able to fail."""
    assert t_values(gaps(_AsPublished(4), IWAE(4), MODELS["vamp"](), 60, 20)[0]).abs().max() > 20
    assert t_values(gaps(_AsPublished(4), IWAE(4), MODELS["tiny"](), 60, 20)[0]).abs().max() < 4.5


@pytest.mark.parametrize("name", ["tiny", "two layers"])
def test_sticking_the_landing_is_unbiased_for_one_draw_and_biased_for_more(name: str) -> None:
    model = MODELS[name]()
    assert t_values(gaps(STL(1), IWAE(1), model, 60, 20)[0]).abs().max() < 4.5
    assert t_values(gaps(STL(4), IWAE(4), model, 60, 20)[0]).abs().max() > 15


@pytest.mark.parametrize("objective", [DReG(5), STL(1), STL(5)], ids=["dreg", "stl-1", "stl-5"])
def test_at_the_exact_posterior_the_inference_s_gradient_has_no_variance(objective: Objective) -> None:
    lg = LinearGaussian.make(1.0)
    model, x = lg.model(), lg.simulate(4)
    inference = [*model.encoder.parameters(), *model.posterior.parameters()]
    for seed in range(5):
        found = []
        for each in (objective, IWAE(objective.num_samples)):
            torch.manual_seed(seed)
            loss = each(model, Batch(x), Progress()).loss["model"]
            found.append(flat(list(torch.autograd.grad(loss, inference))).abs().max())
        assert found[0] < 1e-12
        assert found[1] > 1e-2
