"""The Gaussian likelihood whose variance is always the best one."""

from __future__ import annotations

__all__ = ["OptimalGaussianLikelihood"]

import torch
from torch import Tensor, distributed

from lvm_experiments.distributions import NormalObservation, OptimalNormalObservation
from lvm_experiments.likelihoods.real import RealLikelihood
from lvm_experiments.processes import several_processes
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat

_BATCHES = 100  # to average over where the number of training examples is not known


class OptimalGaussianLikelihood(RealLikelihood):
    r"""$p(x|z) = \mathcal{N}(x; \mu(z), \sigma^2 I)$ with $\sigma^2$ the mean square residual (optimal sigma-VAE).

    In training, $\sigma^2$ is that of the batch at hand, in closed form: a device, for what an example scores then
    depends on the others. In evaluation, and wherever gradients are off, it is a fixed number, so that p(x|z) is one
    density: the mean square residual of the training examples, averaged with weights that fall by a factor of e over
    one epoch. The average is a buffer, kept in checkpoints; several processes share their residuals, so that all have
    the same.

    Arguments:
        spec: What is known of the data; its `size` is the length of an epoch.
        variance: The $\sigma^2$ before anything was trained.
        min_variance: Added to it, without which a model that fits its data exactly has no bound on its density.

    Example:
        >>> likelihood = OptimalGaussianLikelihood(DataSpec("real", (4,), size=1))
        >>> x = torch.tensor([[1.0, -1.0, 3.0, -3.0]])
        >>> trained = likelihood(torch.zeros(1, 1, 1, 4)).log_prob(x)
        >>> likelihood.eval().current_variance().round(decimals=4)
        tensor(5.)
        >>> torch.equal(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(x), trained)
        True

    References:
        | Simple and effective VAE training with calibrated decoders (Rybkin, Daniilidis & Levine, 2021)
        | https://arxiv.org/abs/2006.13202
    """

    squares: Tensor
    cells: Tensor

    def __init__(self, spec: DataSpec, variance: PositiveFloat = 0.1, min_variance: PositiveFloat = 1e-6) -> None:
        super().__init__(spec)
        self.variance, self.min_variance = variance, min_variance
        self.register_buffer("squares", torch.zeros(()))
        self.register_buffer("cells", torch.zeros(()))

    def current_variance(self) -> Tensor:
        r"""The $\sigma^2$ of evaluation."""
        seen = self.squares / self.cells.clamp_min(1e-12) + self.min_variance
        return torch.where(self.cells > 0, seen, torch.full_like(seen, self.variance))

    def forward(self, raw: Tensor) -> NormalObservation:
        loc, log_scale = raw.squeeze(2), 0.5 * torch.log(self.current_variance())
        if self.training and torch.is_grad_enabled():
            return OptimalNormalObservation(loc, log_scale, self._variance_of)
        return NormalObservation(loc, log_scale)

    def _variance_of(self, squares: Tensor, cells: Tensor) -> Tensor:
        """The batch's optimum, which the average takes in."""
        seen = torch.stack([squares.sum(), cells.to(squares), squares.new_tensor(float(squares.shape[1]))])
        if several_processes():
            distributed.all_reduce(seen)
        total, count, examples = seen
        keep = torch.exp(-examples / self.spec.size) if self.spec.size else 1 - 1 / _BATCHES
        self.squares.mul_(keep).add_(total)
        self.cells.mul_(keep).add_(count)
        return total / count.clamp_min(1) + self.min_variance
