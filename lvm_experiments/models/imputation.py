"""What was not observed, guessed from what was."""

from __future__ import annotations

__all__ = ["impute"]

from collections.abc import Iterable

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models.draw import Draw
from lvm_experiments.spec import DataSpec, categories


def impute(batch: Batch, draws: Iterable[Draw], spec: DataSpec) -> Tensor:
    r"""x with its missing cells filled in by their mean given the observed ones, shape `(B, *shape)`.

    $$ E[x_{mis} \mid x_{obs}] \approx \sum_k \tilde w_k \, E[x_{mis} | z_k], \quad
    \tilde w_k \propto \frac{p(x_{obs}|z_k) \, p(z_k)}{q(z_k|x_{obs})} $$

    with weights that sum to 1. A category is filled in by the most probable one.

    Arguments:
        batch: B examples of which cells are missing.
        draws: Of their posteriors, a chunk of them at a time.
        spec: What is known of the data.

    References:
        | MIWAE: deep generative modelling and imputation of incomplete data sets (Mattei & Frellsen, 2019)
        | https://arxiv.org/abs/1812.02633
    """
    assert batch.x is not None
    assert batch.observed is not None
    device = batch.x.device
    sizes = torch.tensor([categories(column) for column in spec.columns], dtype=torch.int64, device=device)
    total = torch.full((len(batch),), -torch.inf, dtype=torch.float64, device=device)
    average: Tensor | float = 0.0
    for draw in draws:
        log_weight = draw.log_weight.double()
        before, total = total, torch.logaddexp(total, log_weight.logsumexp(0))
        values = _values(draw, sizes)
        kept, added = ((a - total).exp() for a in (before, log_weight))
        average = average * _beside(kept, values[0]) + (_beside(added, values) * values).sum(0)
    assert isinstance(average, Tensor)
    guess = average[:, 0]
    if sizes.any():
        guess = torch.where(sizes > 0, average[:, 1:].argmax(1).to(guess), guess)
    guess = guess.to(torch.get_default_dtype())
    return torch.where(batch.observed, batch.x.to(guess), guess)


def _values(draw: Draw, sizes: Tensor) -> Tensor:
    """The mean of each cell and the probability of every category, shape `(K, B, 1 + categories, *shape)`."""
    found = [draw.x.mean.double()]
    for value in range(int(sizes.max()) if len(sizes) else 0):
        # Columns of other types get a value that all have.
        x = torch.where(sizes > value, float(value), 1.0).clamp_max((sizes - 1).clamp_min(1)).to(found[0])
        chance = draw.x.cell_log_prob(x.expand(found[0].shape[1:])).double().exp()
        found.append(torch.where(sizes > value, chance, 0.0))
    return torch.stack(found, 2)


def _beside(weight: Tensor, like: Tensor) -> Tensor:
    """Weights with the further axes of `like`."""
    return weight.reshape(weight.shape + (1,) * (like.ndim - weight.ndim))
