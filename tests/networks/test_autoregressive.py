"""Autoregressive layers: zuko's in both directions, whose inverse costs one pass and is never asked of a draw."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from zuko.flows.autoregressive import MaskedAutoregressiveTransform

from lvm_experiments.batch import Batch
from lvm_experiments.networks.autoregressive import Autoregressive, AutoregressiveTransform, splines
from lvm_experiments.posteriors import IAFPosterior, NSFPosterior
from lvm_experiments.priors import MAFPrior, StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.priors import SPEC, examples, model_with

ORDER = [3, 0, 4, 1, 2]


@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize("hidden", [[], [3], [11, 9]])
@pytest.mark.parametrize("options", [{}, splines(4), {"passes": 2}], ids=["affine", "splines", "coupling"])
@pytest.mark.usefixtures("float64")
def test_both_directions_are_zuko_s(context: int, hidden: list[int], options: dict) -> None:
    """And gradients of the inverse's log-determinant; values (6, 1, L) meet contexts (4, C)."""
    made = partial(Autoregressive, 5, context, order=ORDER, hidden_features=hidden, **options)
    mine = made()
    theirs = MaskedAutoregressiveTransform(5, context, order=ORDER, hidden_features=hidden, **options)
    theirs.load_state_dict(mine.state_dict())
    c, y = torch.randn(4, context) if context else None, torch.randn(6, 1, 5, requires_grad=True)
    found = []
    for layer in (mine, theirs):
        x, ladj = layer(c).inv.call_and_ladj(y)
        x_alone = layer(c).inv(y)
        back, forwards = layer(c).call_and_ladj(x)
        gradients = torch.autograd.grad((ladj + x.sum(-1)).sum(), [y, *layer.parameters()], allow_unused=True)
        found.append([x, x_alone, ladj, back, forwards, *(torch.zeros(()) if g is None else g for g in gradients)])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-10)
    assert torch.allclose(found[0][3], y.expand_as(found[0][3]), atol=1e-12)


def test_the_inverse_costs_one_pass() -> None:
    """zuko's takes 20."""
    f, x = Autoregressive(20, 3, hidden_features=[40, 40])(torch.zeros(8, 3)), torch.randn(8, 20)
    costs = []
    for direction in (f, f.inv):
        with FlopCounterMode(display=False) as counter:
            direction.call_and_ladj(x)
        costs.append(counter.get_total_flops())
    assert 0 < costs[1] <= costs[0]


@pytest.mark.parametrize("kind", [IAFPosterior, NSFPosterior])
def test_a_draw_is_never_inverted(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """In training and in evaluation, where log q comes with the draw."""
    model = model_with(StandardNormalPrior, 3, partial(kind, hidden=[4]))
    batch = examples(SPEC, 5).replace(index=torch.arange(5))
    with torch.no_grad():
        draw = model.draw(batch, 4)
        assert torch.allclose(model.log_posterior(batch, draw.z), draw.log_q, atol=1e-4)

    def inverted(*args: object) -> None:
        raise AssertionError("inverted")

    monkeypatch.setattr(AutoregressiveTransform, "inverse_and_ladj", inverted)
    model.draw(batch, 4).log_weight.sum().backward()
    model.draw(batch, 4).kl.sum().backward()
    assert model.evidence(batch, 6, chunk=4, seed=0).log_p.isfinite().all()
    assert model.reconstruct(batch).isfinite().all()
    with pytest.raises(AssertionError, match="inverted"):
        model.log_posterior(Batch(batch.x), draw.z)


@pytest.mark.parametrize("kind", [IAFPosterior, NSFPosterior])
@pytest.mark.parametrize(("latent_dim", "hidden"), [(2, 100), (30, 50)])
def test_what_a_density_holds_is_known(kind: type, latent_dim: int, hidden: int) -> None:
    """Within a factor of 3 of what is saved for gradients: pieces of a mixture are cut by it."""
    posterior, held = kind(4, latent_dim, [hidden, hidden]), {}

    def pack(x: torch.Tensor) -> torch.Tensor:
        held[x.untyped_storage().data_ptr()] = x
        return x

    q, z = posterior(torch.randn(4)), torch.randn(64, latent_dim)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        q.log_prob(z)
    each = sum(x.untyped_storage().nbytes() // x.element_size() for x in held.values() if 64 in x.shape) / 64
    assert 1 / 3 < posterior.density_cells / each < 3


@pytest.mark.parametrize("length", [1, 3])
def test_no_draws_are_draws_too(length: int) -> None:
    prior = MAFPrior((length,), DataSpec("real", (4,)), hidden=[8])
    assert prior().sample(torch.Size((0,))).shape == (0, length)
    assert prior().rsample(torch.Size((2, 0))).shape == (2, 0, length)
