"""A VampPrior whose pseudo-inputs are values that data can take."""

from __future__ import annotations

__all__ = ["BoundedVampPrior"]

from lvm_experiments.priors.bounded_pseudo_inputs import BoundedPseudoInputs
from lvm_experiments.priors.vampprior import VampPrior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat, PositiveInt, Probability


class BoundedVampPrior(VampPrior):
    r"""$p(z) = \frac{1}{M} \sum_m q(z|u_m)$ with pseudo-inputs $u_m$ between the least and the greatest value.

    As the paper has them: in front of the embedding, clipped to the range of values, where no gradient passes, and
    drawn around one shade to begin with, whatever the data.

    Arguments:
        event_shape: The shape of z.
        spec: What is known of the data: binary, unit or levels.
        number: M.
        mean: What they begin around, as a share of the range.
        spread: Their standard deviation around it.
        learned_weights: Whether components have weights to be learned; else all have 1 / M.

    Raises:
        ValueError: For values without a range.
        RequestError: When bound to a model whose posterior has no density at values of others.

    Example:
        >>> prior = BoundedVampPrior((2,), DataSpec("binary", (4,), levels=2), number=10)
        >>> bool((prior.pseudo_inputs.x - 0.05).abs().max() < 0.1)
        True

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018), released code
        | https://arxiv.org/abs/1705.07120
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        spec: DataSpec,
        number: PositiveInt = 500,
        mean: Probability = 0.05,
        spread: PositiveFloat = 0.01,
        *,
        learned_weights: bool = False,
    ) -> None:
        pseudo_inputs = BoundedPseudoInputs(spec, number, mean=mean, spread=spread)
        super().__init__(event_shape, spec, number, "random", spread, learned_weights=learned_weights)
        self.pseudo_inputs = pseudo_inputs
