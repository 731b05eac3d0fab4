"""A mixture of normals over observations."""

from __future__ import annotations

__all__ = ["GaussianMixture"]

import math
from functools import partial

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import FullNormalObservation, NormalObservation, Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.likelihoods.scales import floored, unfloored
from lvm_experiments.models.mixture import MixtureModel
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Covariance, FitBy, PositiveFloat, PositiveInt


class GaussianMixture(MixtureModel):
    r"""$p(x) = \sum_c \pi_c \, \mathcal{N}(x; \mu_c, \Sigma_c)$.

    Arguments:
        spec: What is known of the data.
        latent_dim: The number of components; None takes 10.
        fit_by: `em`, expectation maximisation before training (where no cell is missing), or `gradient`.
        covariance: `diagonal`, or `full` for tables without missing cells.
        min_variance: Added to every variance by expectation maximisation, and its floor for gradients; neither has a
            bound without it.
        restarts: How often expectation maximisation starts anew; the best end is kept.
        encoder: None; it has no use for one, as for the other parts.
        posterior: None.
        prior: None.
        decoder: None.
        likelihood: None.

    Raises:
        RequestError: For a part, and for data that are not real.

    Example:
        >>> from lvm_experiments.batch import Batch
        >>> model = GaussianMixture(DataSpec("real", (2,)), latent_dim=3)
        >>> model.fit(lambda n=None: Batch(torch.randn(200, 2)))
        True

    References:
        | Maximum likelihood from incomplete data via the EM algorithm (Dempster, Laird & Rubin, 1977)
        | https://doi.org/10.1111/j.2517-6161.1977.tb01600.x
    """

    space = "real"
    likelihood: _FullNormalComponents | _DiagonalNormalComponents

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None = None,
        fit_by: FitBy = "em",
        covariance: Covariance = "diagonal",
        min_variance: PositiveFloat = 1e-6,
        restarts: PositiveInt = 10,
        encoder: None = None,
        posterior: None = None,
        prior: None = None,
        decoder: None = None,
        likelihood: None = None,
    ) -> None:
        parts = {"encoder": encoder, "posterior": posterior, "prior": prior, "decoder": decoder}
        kind = _FullNormalComponents if covariance == "full" else _DiagonalNormalComponents
        super().__init__(
            spec, latent_dim, fit_by, partial(kind, min_variance=min_variance), **parts, likelihood=likelihood
        )
        self.covariance, self.min_variance, self.restarts = covariance, min_variance, restarts

    def optimum(self, x: Tensor) -> Tensor:
        # Here, because importing it takes a second that other models need not wait for.
        from sklearn.mixture import GaussianMixture as ByEM

        found = ByEM(
            self.latent_dim,
            covariance_type="full" if self.covariance == "full" else "diag",
            tol=1e-6,
            reg_covar=self.min_variance,
            max_iter=1000,
            n_init=self.restarts,
            random_state=int(torch.randint(2**31, ())),
        ).fit(x.cpu().numpy())
        self.likelihood.loc.copy_(torch.from_numpy(found.means_))
        self.likelihood.put(torch.from_numpy(found.covariances_))
        return torch.from_numpy(found.weights_)

    def start(self, centres: Tensor, spread: Tensor) -> None:
        self.likelihood.loc.copy_(centres)
        self.likelihood.put(spread.clamp_min(self.min_variance))


class _DiagonalNormalComponents(Likelihood):
    """One-hot component to a normal with a diagonal covariance."""

    space = "real"

    def __init__(self, spec: DataSpec, components: int, min_variance: float) -> None:
        super().__init__(spec)
        self.parameter_shape = (components,)
        self.loc = nn.Parameter(torch.randn(components, spec.dims))
        self.log_scale = nn.Parameter(torch.zeros(components, spec.dims))
        self.min_log_scale = 0.5 * math.log(min_variance)

    def forward(self, raw: Tensor) -> Observation:
        log_scale = floored(self.log_scale, self.min_log_scale)
        return NormalObservation(
            (raw @ self.loc).unflatten(-1, self.spec.shape), (raw @ log_scale).unflatten(-1, self.spec.shape)
        )

    def put(self, variance: Tensor) -> None:
        """Sets the variances, shape `(C, D)`."""
        self.log_scale.copy_(unfloored(0.5 * variance.log(), self.min_log_scale))


class _FullNormalComponents(Likelihood):
    """One-hot component to a normal with a full covariance."""

    space = "real"
    mask = None

    def __init__(self, spec: DataSpec, components: int, min_variance: float) -> None:
        super().__init__(spec)
        if len(spec.shape) != 1:
            raise ValueError("full covariances are for tables; choose model.covariance=diagonal")
        self.parameter_shape = (components,)
        self.loc = nn.Parameter(torch.randn(components, spec.dims))
        # Below the diagonal the Cholesky factor of the covariance, on it the logarithm of its own above the floor.
        self.factor = nn.Parameter(torch.zeros(components, spec.dims, spec.dims))
        self.min_log_scale = 0.5 * math.log(min_variance)

    def forward(self, raw: Tensor) -> Observation:
        diagonal = floored(self.factor.diagonal(dim1=-2, dim2=-1), self.min_log_scale).exp()
        scale = self.factor.tril(-1) + torch.diag_embed(diagonal)
        return FullNormalObservation(raw @ self.loc, torch.einsum("...c,cij->...ij", raw, scale))

    def put(self, variance: Tensor) -> None:
        """Sets the covariances, shape `(C, D, D)`, or `(C, D)` for diagonal ones."""
        factor = torch.linalg.cholesky(variance if variance.ndim == 3 else torch.diag_embed(variance))
        diagonal = unfloored(factor.diagonal(dim1=-2, dim2=-1).log(), self.min_log_scale)
        self.factor.copy_(factor.tril(-1) + torch.diag_embed(diagonal))
