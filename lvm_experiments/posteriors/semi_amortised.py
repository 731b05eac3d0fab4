"""A diagonal normal posterior refined by gradient steps for each datum."""

from __future__ import annotations

__all__ = ["SemiAmortisedPosterior"]

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.posteriors.diagonal_normal import DiagonalNormalPosterior
from lvm_experiments.types import PositiveFloat, PositiveInt


class SemiAmortisedPosterior(DiagonalNormalPosterior):
    r"""A diagonal normal posterior that starts at the encoder's and climbs the datum's own evidence lower bound.

    With g the gradient of the bound with respect to $\mu$ and $\log \sigma$, every step is

    $$ \mu \leftarrow \mu + \eta \sigma \, \mathrm{clip}(\sigma g_\mu) , \quad
       \log \sigma \leftarrow \log \sigma + \eta \, \mathrm{clip}(g_{\log \sigma} / 2) $$

    which is the natural gradient (g times the inverse Fisher information of the normal distribution), every
    coordinate of it clipped to [-1, 1]. The bound's expectation is a mean over P fixed vectors of signs and their
    negatives in place of noise, $z = \mu \pm \sigma s$, whose mean and variances are those of normal noise: so the
    refined posterior is a function of x. Each step has signs of its own; with the same ones in all the steps would
    fit them, at the cost of the bound. A step costs 2P decoder passes with gradients, in evaluation as well.

    Gradients of the first order treat the steps as constants: the encoder's parameters get the gradient of the
    objective at the refined $\mu$ and $\log \sigma$, and the decoder's none through the steps. Those of the second
    order are exact and pass through every step.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        steps: The number of steps for each datum.
        step_size: $\eta$.
        pairs: P.
        second_order: Whether gradients pass through the steps.

    Example:
        >>> q = SemiAmortisedPosterior(features=8, latent_dim=2)(torch.zeros(5, 8))
        >>> q.batch_shape, q.event_shape  # not refined yet: that needs the data
        (torch.Size([5]), torch.Size([2]))

    References:
        | Semi-amortized variational autoencoders (Kim et al., 2018)
        | https://arxiv.org/abs/1802.02550
        | Iterative amortized inference (Marino, Yue & Mandt, 2018)
        | https://arxiv.org/abs/1807.09356
    """

    model: Any
    signs: Tensor

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        steps: PositiveInt = 8,
        step_size: PositiveFloat = 0.2,
        pairs: PositiveInt = 1,
        *,
        second_order: bool = False,
    ) -> None:
        super().__init__(features, latent_dim)
        self.step_size, self.second_order = step_size, second_order
        signs = torch.where(torch.rand(steps, pairs, 1, latent_dim) < 0.5, -1.0, 1.0)
        self.register_buffer("signs", torch.cat([signs, -signs], 1))

    def bind(self, model: Any) -> None:
        """Keeps the model whose bound is climbed.

        Raises:
            RequestError: For a model with several latent variables.
        """
        if not model.one_latent:
            raise RequestError(
                "refinement climbs the bound of a model with one latent variable",
                where="model.posterior",
                hint="choose model/posterior=diagonal_normal",
            )
        self.__dict__["model"] = model

    def refine(self, q: Distribution, batch: Batch) -> DiagonalNormal:
        """The posterior after the steps, for the examples that q was made of; gradients need not be enabled.

        Arguments:
            q: The encoder's posterior, batch shape `(B,)`.
            batch: The B examples.
        """
        assert isinstance(q, DiagonalNormal)
        through = self.second_order and torch.is_grad_enabled()
        given = {f.name: getattr(batch, f.name) for f in fields(batch)}
        with torch.inference_mode(False), torch.enable_grad():
            batch = replace(batch, **{name: _usable(v) for name, v in given.items() if v is not None})
            start = moved = _usable(q.loc), _usable(q.log_scale)
            # Once for all steps: the components of some priors cost a pass of the encoder.
            prior = self.model.prior(self.model.condition_of(batch))
            for signs in self.signs:
                moved = self._step(*moved, signs, batch, prior, through=through)
        if through:
            return DiagonalNormal(*moved)
        return DiagonalNormal(q.loc + (moved[0] - start[0]).detach(), q.log_scale + (moved[1] - start[1]).detach())

    def _step(
        self, loc: Tensor, log_scale: Tensor, signs: Tensor, batch: Batch, prior: Distribution, *, through: bool
    ) -> tuple[Tensor, Tensor]:
        loc, log_scale = (v if through and v.requires_grad else v.detach().requires_grad_() for v in (loc, log_scale))
        bound = self._bound(loc, log_scale, signs, batch, prior).sum()
        to_loc, to_log_scale = torch.autograd.grad(bound, (loc, log_scale), create_graph=through)
        scale = log_scale.exp()
        return (
            loc + self.step_size * scale * (scale * to_loc).clamp(-1, 1),
            log_scale + self.step_size * (0.5 * to_log_scale).clamp(-1, 1),
        )

    def _bound(self, loc: Tensor, log_scale: Tensor, signs: Tensor, batch: Batch, prior: Distribution) -> Tensor:
        """The evidence lower bound of every example, shape `(B,)`."""
        z = loc + log_scale.exp() * signs
        log_lik = self.model.p_x(z, self.model.condition_of(batch)).log_prob(batch.x, batch.observed)
        return (log_lik + prior.log_prob(z)).mean(0) + DiagonalNormal(loc, log_scale).entropy()


def _usable(tensor: Tensor) -> Tensor:
    """A tensor that autograd can use: those made in inference mode cannot be."""
    return tensor.clone() if tensor.is_inference() else tensor
