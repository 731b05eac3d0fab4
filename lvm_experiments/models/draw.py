"""One inference, seen by objectives and metrics."""

from __future__ import annotations

__all__ = ["Draw", "Latents", "Step", "total"]

from collections.abc import Callable, Iterable
from functools import cached_property, reduce
from operator import add

from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation, analytic_kl

Latents = dict[str, Tensor]  # name -> (K, B, *event), in the order they are drawn


class Step:
    """One latent variable in one draw. What is not asked for is not computed.

    Arguments:
        z: Its value, shape `(K, B, *event)`.
        q: The posterior it came from.
        p: The prior, or a callable that gives it: of a layer drawn before the one above it.
        log_q: log q(z), where the draw brought it along.

    Attributes:
        log_q: log q(z|x), shape `(K, B)`.
        log_p: log p(z), shape `(K, B)`.
        kl: KL(q || p) where it has a closed form, shape `(B,)` or `(K, B)`; else log q - log p, whose mean it is.
    """

    def __init__(
        self,
        z: Tensor,
        q: Distribution,
        p: Distribution | Callable[[], Distribution],
        log_q: Tensor | None = None,
    ) -> None:
        self.z, self.q, self._p = z, q, p
        if log_q is not None:
            self.log_q = log_q

    @cached_property
    def p(self) -> Distribution:
        return self._p if isinstance(self._p, Distribution) else self._p()

    @cached_property
    def log_q(self) -> Tensor:
        return self.q.log_prob(self.z)

    @cached_property
    def log_p(self) -> Tensor:
        return self.p.log_prob(self.z)

    @cached_property
    def kl(self) -> Tensor:
        exact = analytic_kl(self.q, self.p)
        return self.log_q - self.log_p if exact is None else exact


class Draw:
    """K draws of all latents for each of B examples; everything below is computed on demand and kept.

    Arguments:
        batch: What was seen.
        steps: A step for each latent, in the order they were drawn.
        p_x: p(x|z), as a callable: the decoder runs only where it is wanted.

    Attributes:
        x: p(x|z).
        log_lik: log p(x|z) over what was observed, shape `(K, B)`.
        log_prior: log p(z) of all latents, shape `(K, B)`.
        log_q: log q(z|x) of all latents, shape `(K, B)`.
        log_joint: log p(x, z), shape `(K, B)`.
        log_weight: log p(x, z) - log q(z|x), shape `(K, B)`.
        kl: The sum of the steps' KL, shape `(B,)` or `(K, B)`.
        losses: The model's own losses by name (a commitment loss), summed over the steps, shape `(B,)` each.
    """

    def __init__(self, batch: Batch, steps: dict[str, Step], p_x: Callable[[], Observation]) -> None:
        self.batch, self.steps, self._p_x = batch, steps, p_x

    @cached_property
    def x(self) -> Observation:
        return self._p_x()

    @property
    def z(self) -> Latents:
        return {name: step.z for name, step in self.steps.items()}

    @cached_property
    def log_lik(self) -> Tensor:
        if self.batch.x is None:
            raise ValueError("nothing was observed, so nothing has a likelihood")
        return self.x.log_prob(self.batch.x, self.batch.observed)

    @cached_property
    def log_prior(self) -> Tensor:
        return total(step.log_p for step in self.steps.values())

    @cached_property
    def log_q(self) -> Tensor:
        return total(step.log_q for step in self.steps.values())

    @cached_property
    def kl(self) -> Tensor:
        return total(step.kl for step in self.steps.values())

    @cached_property
    def log_joint(self) -> Tensor:
        return self.log_lik + self.log_prior

    @cached_property
    def log_weight(self) -> Tensor:
        return self.log_joint - self.log_q

    @cached_property
    def losses(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for step in self.steps.values():
            for name, loss in getattr(step.q, "losses", {}).items():
                found[name] = found[name] + loss if name in found else loss
        return found


def total(terms: Iterable[Tensor]) -> Tensor:
    """Their sum, by broadcasting."""
    return reduce(add, terms)
