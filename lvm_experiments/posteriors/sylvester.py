"""Posteriors by Sylvester flows, in three forms."""

from __future__ import annotations

__all__ = ["HouseholderSylvesterPosterior", "OrthogonalSylvesterPosterior", "TriangularSylvesterPosterior"]

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.distributions import Transform
from torch.nn.functional import normalize

from lvm_experiments.distributions import SylvesterTransform
from lvm_experiments.posteriors.flow import FlowPosterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import PositiveInt


class _SylvesterPosterior(FlowPosterior):
    """R, R~ and b of every layer are linear in the features; R is near zero at the start."""

    has_density_at = False

    def __init__(self, features: int, latent_dim: int, transforms: int, width: int) -> None:
        super().__init__(features, latent_dim)
        self.transforms, self.width = transforms, width
        triangle = width * (width + 1) // 2
        self.inner_of = nn.Linear(features, transforms * (triangle + width))
        self.outer_of = near_zero(nn.Linear(features, transforms * triangle))

    @abstractmethod
    def bases(self, features: Tensor) -> list[Tensor]:
        """Q of every layer, shape `(*batch, L, M)` each, or what broadcasts to it."""

    def layers(self, features: Tensor) -> list[Transform]:
        inner = self.inner_of(features).unflatten(-1, (self.transforms, -1))
        inner, shift = inner[..., : -self.width], inner[..., -self.width :]
        outer = self.outer_of(features).unflatten(-1, (self.transforms, -1))
        parts = zip(
            self.bases(features),
            self._triangles(outer).unbind(-3),
            self._triangles(inner).unbind(-3),
            shift.unbind(-2),
            strict=True,
        )
        return [SylvesterTransform(*part) for part in parts]

    def _triangles(self, elements: Tensor) -> Tensor:
        """Upper triangular matrices `(*, M, M)` of elements `(*, M (M + 1) / 2)`."""
        row, column = torch.triu_indices(self.width, self.width, device=elements.device)
        matrices = elements.new_zeros(*elements.shape[:-1], self.width, self.width)
        matrices[..., row, column] = elements
        return matrices


class OrthogonalSylvesterPosterior(_SylvesterPosterior):
    r"""A diagonal normal distribution through $z_t = z_{t-1} + Q_t R_t \tanh(\tilde R_t Q_t^\top z_{t-1} + b_t)$.

    The M orthonormal columns of Q are those of a matrix linear in the features h, by Gram and Schmidt (a QR
    decomposition), orthonormal to rounding. The paper's iteration stops at a tolerance, and the determinant is
    wrong by what remains. The density is known for draws only.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        transforms: The number T of layers.
        columns: M, at most L; None takes L - 1, or 16 where that is more. Where M = L, Q jumps as the matrix passes
            a singular one, which with fewer columns a path does not meet.

    Raises:
        ValueError: For more columns than latent dimensions.

    Example:
        >>> q = OrthogonalSylvesterPosterior(features=8, latent_dim=3, columns=2)(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((4,))
        >>> z.shape, log_q.shape
        (torch.Size([4, 5, 3]), torch.Size([4, 5]))

    References:
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018)
        | https://arxiv.org/abs/1803.05649
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        transforms: PositiveInt = 4,
        columns: PositiveInt | None = None,
    ) -> None:
        width = columns or max(1, min(latent_dim - 1, 16))
        if width > latent_dim:
            raise ValueError(f"{width} orthonormal columns need as many latent dimensions, and there are {latent_dim}")
        super().__init__(features, latent_dim, transforms, width)
        self.columns_of = near_zero(nn.Linear(features, transforms * latent_dim * width), 0.1)
        with torch.no_grad():
            # Columns that begin far from dependent, where Gram and Schmidt's gradients are moderate.
            bias = self.columns_of.bias.view(transforms, latent_dim, width)
            for matrix in bias:
                nn.init.orthogonal_(matrix)

    def bases(self, features: Tensor) -> list[Tensor]:
        raw = self.columns_of(features).unflatten(-1, (self.transforms, self.event_shape[0], self.width))
        q, r = torch.linalg.qr(raw)
        # With a positive diagonal of r the decomposition is unique and smooth.
        sign = torch.where(torch.diagonal(r, dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(q)
        return list((q * sign[..., None, :]).unbind(-3))


class HouseholderSylvesterPosterior(_SylvesterPosterior):
    r"""As `OrthogonalSylvesterPosterior`, with M = L and Q a product of H reflections.

    $$ Q = \prod_{i=1}^{H} \left( I - 2 \frac{v_i v_i^\top}{|v_i|^2} \right) $$

    The v are linear in the features h. The density is known for draws only.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        transforms: The number T of layers.
        reflections: The number H of reflections in each.

    Example:
        >>> q = HouseholderSylvesterPosterior(features=8, latent_dim=3)(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((4,))
        >>> z.shape, log_q.shape
        (torch.Size([4, 5, 3]), torch.Size([4, 5]))

    References:
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018)
        | https://arxiv.org/abs/1803.05649
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        transforms: PositiveInt = 4,
        reflections: PositiveInt = 8,
    ) -> None:
        super().__init__(features, latent_dim, transforms, latent_dim)
        self.reflections = reflections
        self.normals_of = nn.Linear(features, transforms * reflections * latent_dim)

    def bases(self, features: Tensor) -> list[Tensor]:
        normals = self.normals_of(features).unflatten(-1, (self.transforms, self.reflections, -1))
        basis = torch.eye(self.width, dtype=features.dtype, device=features.device)
        for v in normalize(normals, dim=-1).unbind(-2):
            basis = basis - 2 * (basis @ v[..., None]) * v[..., None, :]
        return list(basis.unbind(-3))


class TriangularSylvesterPosterior(_SylvesterPosterior):
    r"""As `OrthogonalSylvesterPosterior`, with M = L and Q the identity and the reversal of coordinates in turn.

    So only the triangular matrices depend on the features h. The density is known for draws only.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        transforms: The number T of layers.

    Example:
        >>> q = TriangularSylvesterPosterior(features=8, latent_dim=3)(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((4,))
        >>> z.shape, log_q.shape
        (torch.Size([4, 5, 3]), torch.Size([4, 5]))

    References:
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018)
        | https://arxiv.org/abs/1803.05649
    """

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt, transforms: PositiveInt = 4) -> None:
        super().__init__(features, latent_dim, transforms, latent_dim)

    def bases(self, features: Tensor) -> list[Tensor]:
        straight = torch.eye(self.width, dtype=features.dtype, device=features.device)
        return [straight.flip(-1) if t % 2 else straight for t in range(self.transforms)]
