"""What hangs on what, known from how the models are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, ConditionalVAE, HierarchicalVAE, LadderVAE, LatentVariableModel
from lvm_experiments.models.base import Pick
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.plots.structure import CONDITION, OBSERVED, Structure, structure_of
from lvm_experiments.posteriors import DiagonalNormalPosterior, PlanarPosterior
from lvm_experiments.priors import ConditionalNormalPrior, StandardNormalPrior, VampPrior
from lvm_experiments.spec import DataSpec
from tests.support.parts import CodesPosterior, CodesPrior, Exact, TwoLayers

SPEC = DataSpec("binary", (6,), levels=2, classes=3)
PARTS: dict[str, Any] = {
    "encoder": partial(MLPEncoder, hidden=[8]),
    "posterior": DiagonalNormalPosterior,
    "prior": StandardNormalPrior,
    "decoder": partial(MLPDecoder, hidden=[8]),
    "likelihood": BernoulliLikelihood,
}


class CodesAndReals(LatentVariableModel):
    """p(y) p(z) p(x|y, z) with q(y|x) q(z|x, y), y one of ten."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec, self.likelihood = spec, BernoulliLikelihood(spec)
        self.q_y, self.p_y = CodesPosterior(spec.dims, 1, 10), CodesPrior((1, 10), spec)
        self.q_z, self.p_z = DiagonalNormalPosterior(spec.dims + 10, 2), StandardNormalPrior((2,), spec)
        self.layer = nn.Linear(12, spec.dims)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        y = pick("y", lambda: self.q_y(batch.x), self.p_y())
        z = pick("z", lambda: self.q_z(_beside(batch.x, y)), self.p_z())
        return lambda: self.likelihood(self.layer(torch.cat([z, y.flatten(2)], -1))[:, :, None])


def _beside(x: Tensor | None, y: Tensor) -> Tensor:
    assert x is not None
    return torch.cat([x.expand(*y.shape[:2], -1), y.flatten(2)], -1)


def found(model: LatentVariableModel, **fields: Any) -> Structure:
    """The structure of a model far from where it starts."""
    torch.manual_seed(3)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.5 * torch.randn(p.shape))
    x = torch.randint(0, 2, (16, 6), generator=torch.Generator().manual_seed(0)).float()
    batch = Batch(x, label=torch.arange(16) % 3, index=torch.arange(16), **fields)
    with torch.no_grad():
        return structure_of(model.eval(), batch)


def edges(structure: Structure) -> dict[str, tuple[set[str], set[str]]]:
    """What p and what q of each variable hang on."""
    return {v.name: (set(v.parents), set(v.seen)) for v in (*structure.latents, structure.x)}


def test_a_vae() -> None:
    structure = found(VAE(SPEC, 2, **PARTS))
    assert edges(structure) == {"z": (set(), {OBSERVED}), OBSERVED: ({"z"}, set())}
    (z,) = structure.latents
    assert (z.p, z.q, structure.x.p) == ("Standard Normal Prior", "Diagonal Normal", "Bernoulli")
    assert (z.shape, structure.x.shape, structure.conditioned) == ((2,), (6,), 0)


def test_a_chain_inferred_from_below() -> None:
    structure = found(HierarchicalVAE(SPEC, 1, 3, 2, [8], "tanh", **PARTS))
    assert edges(structure) == {
        "z3": (set(), {"z2"}),
        "z2": ({"z3"}, {"z1"}),
        "z1": ({"z2"}, {OBSERVED}),
        OBSERVED: ({"z1"}, set()),
    }
    assert [[v.name for v in level] for level in structure.levels] == [["z3"], ["z2"], ["z1"]]
    assert [v.shape for level in structure.levels for v in level] == [(1,), (2,), (4,)]
    assert {v.name: v.p for v in structure.latents}["z1"] == "Diagonal Normal"


def test_a_ladder_has_all_of_it() -> None:
    structure = found(LadderVAE(SPEC, 1, 3, 2, [8], "tanh", **PARTS))
    assert edges(structure) == {
        "z3": (set(), {OBSERVED}),
        "z2": ({"z3"}, {OBSERVED, "z3"}),
        "z1": ({"z3", "z2"}, {OBSERVED, "z3", "z2"}),
        OBSERVED: ({"z3", "z2", "z1"}, set()),
    }


def test_two_layers_inferred_from_above() -> None:
    assert edges(found(TwoLayers(SPEC))) == {
        "a": (set(), {OBSERVED}),
        "b": ({"a"}, {OBSERVED, "a"}),
        OBSERVED: ({"b"}, set()),
    }


@pytest.mark.parametrize("prior", [StandardNormalPrior, partial(ConditionalNormalPrior, hidden=[4])])
def test_a_condition(prior: Any) -> None:
    structure = found(ConditionalVAE(SPEC, 2, **{**PARTS, "prior": prior}))
    given = {CONDITION} if prior is not StandardNormalPrior else set()
    assert edges(structure) == {"z": (given, {OBSERVED, CONDITION}), OBSERVED: ({"z", CONDITION}, set())}
    assert structure.conditioned == 3


def test_categories_and_reals() -> None:
    structure = found(CodesAndReals(SPEC))
    assert edges(structure) == {
        "y": (set(), {OBSERVED}),
        "z": (set(), {OBSERVED, "y"}),
        OBSERVED: ({"y", "z"}, set()),
    }
    assert [[v.name for v in level] for level in structure.levels] == [["y", "z"]]
    assert structure.latents[0].shape == (1, 10)


def test_what_hangs_on_nothing_is_not_joined() -> None:
    assert edges(found(Exact(SPEC))) == {"z": (set(), set()), OBSERVED: (set(), set())}


def test_a_decoder_that_is_not_listened_to() -> None:
    model = VAE(SPEC, 2, **PARTS)
    found(model)
    with torch.no_grad():
        model.decoder.layers[-1].weight.zero_()
        x = torch.ones(4, 6)
        x[::2, ::2] = 0
        assert edges(structure_of(model, Batch(x)))[OBSERVED] == (set(), set())


def test_posteriors_that_know_only_their_own_draws() -> None:
    structure = found(VAE(SPEC, 2, **{**PARTS, "posterior": partial(PlanarPosterior, transforms=2)}))
    assert edges(structure)["z"] == (set(), {OBSERVED})


def test_a_prior_made_of_the_posterior_does_not_hang_on_what_is_observed() -> None:
    prior = partial(VampPrior, number=3, start="random", spread=1.0, learned=True, learned_weights=False)
    structure = found(VAE(SPEC, 2, **{**PARTS, "prior": prior}))
    assert edges(structure)["z"] == (set(), {OBSERVED})
    assert structure.latents[0].p == "Vamp Prior"
