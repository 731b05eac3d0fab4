"""The variational mixture of posteriors."""

from __future__ import annotations

__all__ = ["VampPrior"]

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import Mixture
from lvm_experiments.examples import Examples
from lvm_experiments.options import options_where
from lvm_experiments.priors.base import Prior
from lvm_experiments.priors.pseudo_inputs import PseudoInputs
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat, PositiveInt, PseudoInputStart


class VampPrior(Prior):
    r"""$p(z) = \sum_{m=1}^M w_m \, q(z|u_m)$: the model's own posterior at M pseudo-inputs $u_m$.

    The optimal prior for a bound is the aggregated posterior $\frac{1}{N} \sum_n q(z|x_n)$; this is one of M terms
    whose inputs are learned with all else. Gradients reach the encoder through it: doubly reparameterised ones must
    be of the generalised form. The pseudo-inputs live behind the embedding, where values are centred, and are not
    bounded; the paper's lie in front of it, between 0 and 1, as those of `BoundedVampPrior` do. Draws come from the
    density's own components: first m, then $z \sim q(z|u_m)$.

    Arguments:
        event_shape: The shape of z.
        spec: What is known of the data.
        number: M; no more than there are training examples, where it starts from them.
        start: `data` takes training examples, `random` draws around the data's mean.
        spread: The standard deviation of random ones, in embedded units.
        learned: Whether the pseudo-inputs are learned; else they stay where they start.
        learned_weights: Whether w is learned; else it is 1 / M.

    Raises:
        RequestError: When bound to a model whose posterior has no density at values of others.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.models import VAE
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> spec, prior = DataSpec("binary", (4,), levels=2), partial(VampPrior, number=10)
        >>> networks = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
        >>> model = VAE(spec, 2, networks[0], DiagonalNormalPosterior, prior, networks[1], BernoulliLikelihood)
        >>> model.prior().sample((3,)).shape
        torch.Size([3, 2])

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018)
        | https://arxiv.org/abs/1705.07120
        | Generalized doubly reparameterized gradient estimators (Bauer & Mnih, 2021)
        | https://arxiv.org/abs/2101.11046
    """

    domain = None
    logits: Tensor
    model: Any

    def __init__(
        self,
        event_shape: tuple[int, ...],
        spec: DataSpec,
        number: PositiveInt = 500,
        start: PseudoInputStart = "data",
        spread: PositiveFloat = 0.1,
        *,
        learned: bool = True,
        learned_weights: bool = False,
    ) -> None:
        super().__init__()
        if start == "random" and spec.space == "tokens":
            raise ValueError("there is no sequence of tokens in between: start=data, learned=false")
        self.event_shape, self.start = event_shape, start
        number = min(number, spec.size or number) if start == "data" else number
        self.pseudo_inputs = PseudoInputs(spec, number, learned=learned, spread=spread)
        if learned_weights:
            self.logits = nn.Parameter(torch.zeros(number))
        else:
            self.register_buffer("logits", torch.zeros(number), persistent=False)

    def bind(self, model: Any) -> None:
        does = "scores z under the q(z|u) of other inputs"
        PseudoInputs.check(model, "VampPrior", _scores_others, does, "density there")
        self.__dict__["model"] = model  # not as a submodule: it is the model's part, not the other way round

    def prepare(self, examples: Examples) -> None:
        """Starts from training examples, where it is to."""
        if self.start == "data":
            self.pseudo_inputs.fill(examples, self.model.condition_of)

    def forward(self, condition: Tensor | None = None) -> Mixture:
        q = partial(self.pseudo_inputs.posterior, self.model)
        cells = max(posterior.density_cells for posterior in self.model.posteriors)
        return Mixture(self.logits, self.event_shape, q, q, cells)

    @property
    def care(self) -> str:
        """What is slow, where it is."""
        slow = {type(posterior): posterior.domain for posterior in self.model.posteriors if posterior.runs_networks}
        if not slow:
            return ""

        def quick(kind: Any) -> bool:
            return _scores_others(kind) and not kind.runs_networks and kind.domain in slow.values()

        return (
            f"it scores every z under q(z|u) of all {len(self.pseudo_inputs)} pseudo-inputs u, and for each of these"
            f" pairs {' and '.join(kind.__name__ for kind in slow)} runs its networks backwards, which is slow;"
            f" quicker: fewer by model.prior.number=, or"
            f" model/posterior={'|'.join(options_where('model/posterior', quick))}"
        )


def _scores_others(posterior: Any) -> bool:
    """Whether log q is right at what another component drew; a mixture has no divergence in closed form."""
    return posterior.has_density_at and posterior.draws_in_support
