"""Linear models with normal noise: probabilistic PCA and factor analysis."""

from __future__ import annotations

__all__ = ["FactorAnalysis", "LinearGaussianModel", "ProbabilisticPCA"]

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, MultivariateNormal

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation, StandardNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.examples import Examples
from lvm_experiments.likelihoods import GaussianLikelihood, PerDimensionGaussianLikelihood
from lvm_experiments.likelihoods.scales import floored, unfloored
from lvm_experiments.models.base import Pick
from lvm_experiments.models.exact import ExactModel, ExactPosterior
from lvm_experiments.models.parts import latent_dims
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import FitBy, PositiveInt


class LinearGaussianModel(ExactModel):
    r"""$x = W z + \mu + \epsilon$ with $z \sim \mathcal{N}(0, I_L)$, $\epsilon \sim \mathcal{N}(0, \Psi)$.

    With $A = I + W^T \Psi^{-1} W$ over the observed cells,
    $p(z|x) = \mathcal{N}(A^{-1} W^T \Psi^{-1} (x - \mu), A^{-1})$ and $p(x) = \mathcal{N}(\mu, W W^T + \Psi)$.

    Arguments:
        spec: What is known of the data.
        latent_dim: The number L of latent dimensions, less than D; None takes 50, or a quarter of the observed
            dimensions where that is less.
        fit_by: `em`, the optimum in closed form or by expectation maximisation before training (where no cell is
            missing), or `gradient`.
        parts: The five parts, all of them None.

    Raises:
        RequestError: For a part, for data that are not real, for as many latent as observed dimensions.
    """

    space = "real"
    latent = ExactPosterior("real", "reparameterised")
    likelihood: GaussianLikelihood | PerDimensionGaussianLikelihood

    def __init__(self, spec: DataSpec, latent_dim: PositiveInt | None, fit_by: FitBy, **parts: Any) -> None:
        super().__init__(spec, **parts)
        self.latent_dim = latent_dims(latent_dim, spec)
        if self.latent_dim >= spec.dims:
            raise RequestError(
                f"{self.latent_dim} latent dimensions explain {spec.dims} observed ones without noise",
                where="model.latent_dim",
                hint=f"choose at most {spec.dims - 1}" if spec.dims > 1 else "choose another model=, gmm for one",
            )
        self.fit_by = fit_by
        mean = torch.zeros(spec.dims) if spec.mean is None else spec.mean.flatten().to(torch.get_default_dtype())
        self.mean = nn.Parameter(mean.clone())
        self.weight = nn.Parameter(0.1 * torch.randn(spec.dims, self.latent_dim))
        self.likelihood = self._noise(spec)

    @abstractmethod
    def _noise(self, spec: DataSpec) -> Any:
        r"""The likelihood, whose `log_scale` is $\frac{1}{2} \log \Psi$."""

    @abstractmethod
    def _optimum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""W and $\Psi$ of maximum likelihood for x of shape `(N, D)`, float64."""

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        z = pick("z", lambda: self.q_z(batch), StandardNormal(torch.zeros_like(self.weight[0])))
        return lambda: self.p_x(z)

    def q_z(self, batch: Batch) -> Distribution:
        """The exact p(z|x), of batch shape `(B,)`."""
        _, shift, factor = self._posterior(batch)
        mean = torch.cholesky_solve(shift[..., None], factor)[..., 0]
        # The inverse of A, by its Cholesky factor's.
        unit = torch.eye(self.latent_dim).to(factor).expand_as(factor)
        covariance = torch.cholesky_solve(unit, factor)
        scale = torch.linalg.cholesky(covariance)
        return MultivariateNormal(mean.to(self.weight), scale_tril=scale.to(self.weight), validate_args=False)

    def p_x(self, z: Tensor) -> Observation:
        """p(x|z), of batch shape `(K, B)`."""
        return self.likelihood((z @ self.weight.T + self.mean).unflatten(-1, (1, *self.spec.shape)))

    def log_marginal(self, batch: Batch) -> Tensor:
        standardised, shift, factor = self._posterior(batch)
        seen = self._seen(batch)
        log_variance = 2 * self._log_scale()
        dims = seen.expand_as(standardised).sum(-1)
        log_noise = (seen * log_variance).expand_as(standardised).sum(-1)
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        solved = torch.linalg.solve_triangular(factor, shift[..., None], upper=False)[..., 0]
        distance = (standardised**2).sum(-1) - (solved**2).sum(-1)
        return -0.5 * (dims * math.log(2 * math.pi) + log_noise + log_det + distance)

    def _posterior(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        r"""Standardised x `(B, D)`, $W^T \Psi^{-1} (x - \mu)$ `(B, L)` and the Cholesky factor of A `(B, L, L)`."""
        if batch.x is None:
            raise ValueError("a posterior needs observations")
        seen, scale = self._seen(batch), self._log_scale().exp()
        weight = self.weight.double() / scale[:, None]
        x = batch.x.flatten(1).double()
        if batch.observed is not None:
            x = torch.where(seen > 0, x, 0.0)
        standardised = seen * (x - self.mean.double()) / scale
        precision = torch.einsum("bd,dk,dl->bkl", seen, weight, weight)
        precision = precision + torch.eye(self.latent_dim).to(precision)
        factor = torch.linalg.cholesky(precision).expand(len(x), -1, -1)
        return standardised, standardised @ weight, factor

    def _seen(self, batch: Batch) -> Tensor:
        """1 for an observed cell, 0 for a missing one, shape `(B, D)`, or `(1, D)` where none is missing."""
        assert batch.x is not None
        if batch.observed is None:
            return torch.ones(1, self.spec.dims, dtype=torch.float64, device=batch.x.device)
        return batch.observed.expand_as(batch.x).flatten(1).double()

    def _log_scale(self) -> Tensor:
        return self.likelihood.log_scale.double().expand(self.spec.shape).flatten()

    @torch.no_grad()
    def fit(self, examples: Examples) -> bool:
        batch = examples() if self.fit_by == "em" else Batch(None)
        if batch.x is None or batch.observed is not None:
            return False
        x = batch.x.flatten(1).double()
        weight, variance = self._optimum(x)
        self.mean.copy_(x.mean(0))
        self.weight.copy_(weight)
        self._set_variance(variance)
        return True

    def _set_variance(self, variance: Tensor) -> None:
        self.likelihood.log_scale.copy_(0.5 * variance.log())


class ProbabilisticPCA(LinearGaussianModel):
    r"""Principal components as a latent variable model: $\Psi = \sigma^2 I$.

    The optimum has a closed form: W spans the leading eigenvectors U of the covariance,
    $W = U (\Lambda - \sigma^2 I)^{1/2}$, and $\sigma^2$ is the mean of the eigenvalues left out.

    Arguments:
        spec: What is known of the data.
        latent_dim: The number L of latent dimensions, less than D; None takes 50, or a quarter of the observed
            dimensions where that is less.
        fit_by: `em`, the optimum in closed form before training (where no cell is missing), or `gradient`.
        encoder: None; it has no use for one, as for the other parts.
        posterior: None.
        prior: None.
        decoder: None.
        likelihood: None.

    Raises:
        RequestError: For a part, for data that are not real, for as many latent as observed dimensions.

    Example:
        >>> model = ProbabilisticPCA(DataSpec("real", (5,)), latent_dim=2)
        >>> model.fit(lambda n=None: Batch(torch.randn(100, 5)))
        True

    References:
        | Probabilistic principal component analysis (Tipping & Bishop, 1999)
        | https://doi.org/10.1111/1467-9868.00196
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None = None,
        fit_by: FitBy = "em",
        encoder: None = None,
        posterior: None = None,
        prior: None = None,
        decoder: None = None,
        likelihood: None = None,
    ) -> None:
        parts = {"encoder": encoder, "posterior": posterior, "prior": prior, "decoder": decoder}
        super().__init__(spec, latent_dim, fit_by, **parts, likelihood=likelihood)

    def _noise(self, spec: DataSpec) -> GaussianLikelihood:
        variance = 1.0 if spec.std is None else max(1e-6, float((spec.std**2).mean()))
        return GaussianLikelihood(spec, variance)

    def _optimum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        centred = x - x.mean(0)
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
        kept = self.latent_dim
        variance = values[:-kept].mean().clamp_min(torch.finfo(torch.float32).eps)
        return vectors[:, -kept:] * (values[-kept:] - variance).clamp_min(0).sqrt(), variance


class FactorAnalysis(LinearGaussianModel):
    r"""Common factors and noise of its own for every cell: $\Psi = \mathrm{diag}(\psi_1, \dots, \psi_D)$.

    Arguments:
        spec: What is known of the data.
        latent_dim: The number L of latent dimensions, less than D; None takes 50, or a quarter of the observed
            dimensions where that is less.
        fit_by: `em`, expectation maximisation before training (where no cell is missing), or `gradient`.
        encoder: None; it has no use for one, as for the other parts.
        posterior: None.
        prior: None.
        decoder: None.
        likelihood: None.

    Raises:
        RequestError: For a part, for data that are not real, for as many latent as observed dimensions.

    Example:
        >>> FactorAnalysis(DataSpec("real", (5,)), latent_dim=2).log_marginal(Batch(torch.zeros(3, 5))).shape
        torch.Size([3])

    References:
        | EM algorithms for ML factor analysis (Rubin & Thayer, 1982)
        | https://doi.org/10.1007/BF02293851
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None = None,
        fit_by: FitBy = "em",
        encoder: None = None,
        posterior: None = None,
        prior: None = None,
        decoder: None = None,
        likelihood: None = None,
    ) -> None:
        parts = {"encoder": encoder, "posterior": posterior, "prior": prior, "decoder": decoder}
        super().__init__(spec, latent_dim, fit_by, **parts, likelihood=likelihood)

    likelihood: PerDimensionGaussianLikelihood

    def _noise(self, spec: DataSpec) -> PerDimensionGaussianLikelihood:
        noise = PerDimensionGaussianLikelihood(spec)
        if spec.std is not None:
            with torch.no_grad():
                noise.log_scale.copy_(spec.std.clamp_min(1e-3).log())
        return noise

    def _log_scale(self) -> Tensor:
        # The likelihood's own has a floor.
        return floored(self.likelihood.log_scale, self.likelihood.min_log_scale).double().flatten()

    def _set_variance(self, variance: Tensor) -> None:
        log_scale = unfloored(0.5 * variance.log(), self.likelihood.min_log_scale)
        self.likelihood.log_scale.copy_(log_scale.reshape(self.spec.shape))

    def _optimum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Here, because importing it takes a second that other models need not wait for.
        from sklearn.decomposition import FactorAnalysis as ByEM

        found = ByEM(self.latent_dim, tol=1e-8, max_iter=5000, svd_method="lapack").fit(x.numpy())
        return torch.from_numpy(found.components_.T.copy()), torch.from_numpy(found.noise_variance_)
