"""A diagonal normal posterior whose variances lie between two bounds."""

from __future__ import annotations

__all__ = ["ClippedNormalPosterior"]

from torch import Tensor
from torch.nn.functional import hardtanh

from lvm_experiments.posteriors.diagonal_normal import DiagonalNormalPosterior
from lvm_experiments.types import Initialisation, PositiveInt


class ClippedNormalPosterior(DiagonalNormalPosterior):
    r"""A diagonal normal distribution with $\log \sigma^2$ linear in the features, clipped to an interval.

    Where it is clipped no gradient passes.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        initialisation: Of the weights: torch's own, `glorot` or `he`.
        low: The least $\log \sigma^2$.
        high: The greatest, above 0 or not.

    Raises:
        ValueError: For bounds that leave nothing between them.

    Example:
        >>> q = ClippedNormalPosterior(features=8, latent_dim=2)(1e4 * torch.randn(5, 8))
        >>> bool((q.variance.log().abs() <= 6.01).all())
        True

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018), whose released code clips them so
        | https://arxiv.org/abs/1705.07120
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        initialisation: Initialisation = "default",
        low: float = -6.0,
        high: float = 2.0,
    ) -> None:
        if low >= high:
            raise ValueError(f"a log variance between {low:g} and {high:g} there is none")
        super().__init__(features, latent_dim, initialisation)
        self.low, self.high = low, high

    def log_scale(self, raw: Tensor) -> Tensor:
        return hardtanh(raw, self.low, self.high) / 2
