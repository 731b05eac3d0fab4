"""LG: a linear-Gaussian model, of which everything is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from lvm_experiments.likelihoods import FixedGaussianLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec


@dataclass(frozen=True)
class LinearGaussian:
    """z ~ N(0, I_d), x given z ~ N(Wz + b, s^2 I_D), the columns of W orthogonal.

    Then the exact posterior N(A^-1 W'(x - b), s^2 A^-1), A = W'W + s^2 I, is diagonal.
    All truths come from numpy and scipy.
    """

    W: np.ndarray  # (D, d)
    b: np.ndarray  # (D,)
    variance: float

    @classmethod
    def make(cls, variance: float = 1.0, latent: int = 2, dims: int = 5, seed: int = 0) -> LinearGaussian:
        random = np.random.default_rng(seed)
        orthogonal, _ = np.linalg.qr(random.normal(size=(dims, latent)))
        return cls(orthogonal * random.uniform(0.5, 2.0, latent), random.normal(size=dims), variance)

    @property
    def dims(self) -> int:
        return len(self.b)

    @property
    def latent(self) -> int:
        return self.W.shape[1]

    @property
    def covariance(self) -> np.ndarray:
        return self.W @ self.W.T + self.variance * np.eye(self.dims)

    def simulate(self, n: int, seed: int = 0) -> Tensor:
        x = np.random.default_rng(seed).multivariate_normal(self.b, self.covariance, n)
        return torch.tensor(x, dtype=torch.float64)

    def log_p(self, x: Tensor, observed: np.ndarray | None = None) -> Tensor:
        """log N(x_obs; b_o, W_o W_o' + s^2 I), shape (B,)."""
        o = np.ones(self.dims, dtype=bool) if observed is None else observed
        if not o.any():
            return torch.zeros(len(x), dtype=torch.float64)
        density = multivariate_normal(self.b[o], self.covariance[np.ix_(o, o)])
        return torch.tensor(np.atleast_1d(density.logpdf(x.numpy()[:, o])), dtype=torch.float64)

    def posterior(self, observed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The matrix M of the exact posterior's mean M (x_obs - b_obs), and its covariance."""
        o = np.ones(self.dims, dtype=bool) if observed is None else observed
        precision = self.W[o].T @ self.W[o] + self.variance * np.eye(self.latent)
        inverse = np.linalg.inv(precision)
        return inverse @ self.W[o].T, self.variance * inverse

    def model(self, *, shift: float = 0.0, stretch: float = 1.0) -> VAE:
        """The same model from production parts; call it where the default type is float64.

        Arguments:
            shift: Moves the posterior's mean by so many of its standard deviations.
            stretch: Multiplies them; 1 and shift 0 is the exact posterior.
        """
        spec = DataSpec("real", (self.dims,))
        model = VAE(
            spec,
            self.latent,
            partial(MLPEncoder, hidden=[]),
            DiagonalNormalPosterior,
            StandardNormalPrior,
            partial(MLPDecoder, hidden=[]),
            partial(FixedGaussianLikelihood, variance=self.variance),
        )
        M, covariance = self.posterior()
        sd = np.sqrt(np.diag(covariance))
        weight = np.concatenate([M, np.zeros_like(M)])
        bias = np.concatenate([-M @ self.b + shift * sd, np.log(stretch * sd)])
        _set(model.posterior.parameters_of, weight, bias)
        _set(model.decoder.layers[0], self.W, self.b)
        return model

    def model_with_prior_as_posterior(self) -> VAE:
        model = self.model()
        zeros = np.zeros((2 * self.latent, self.dims))
        _set(model.posterior.parameters_of, zeros, np.zeros(2 * self.latent))
        return model


def _set(layer: torch.nn.Module, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))
