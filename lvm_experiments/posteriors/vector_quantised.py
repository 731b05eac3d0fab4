"""Posteriors that choose codes from a codebook."""

from __future__ import annotations

__all__ = ["GradientVectorQuantisedPosterior", "VectorQuantisedPosterior"]

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, distributed, nn

from lvm_experiments.distributions import VectorQuantised
from lvm_experiments.examples import Examples
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.processes import several_processes
from lvm_experiments.types import AtLeastTwo, NonNegativeFloat, OpenProbability, PositiveInt

_LEAST = 1e-30  # of a count: below it, sums and counts have lost their digits, and the code stays where it is


class _Quantised(Posterior):
    """L vectors h, linear in the features, and the nearest of C codes for each."""

    domain = "codes"
    gradient = "straight_through"
    has_density_at = False
    factorised = False
    deterministic = True
    care = "the encoder's gradient is copied from the nearest code, and more draws tighten no bound: they are all one"

    codebook: Tensor
    model: Any = None

    def __init__(self, features: int, latent_dim: int, codes: int, code_dim: int, commitment: float) -> None:
        super().__init__()
        self.event_shape = (latent_dim, code_dim)
        self.commitment = commitment
        self.encoded = nn.Linear(features, latent_dim * code_dim)

    def bind(self, model: Any) -> None:
        self.__dict__["model"] = model  # not as a submodule: it is the model's part, not the other way round

    @torch.no_grad()
    def prepare(self, examples: Examples) -> None:
        """Starts the codes where training examples are encoded, so that all of them are near some."""
        codes = len(self.codebook)
        draw = self.model.draw(examples(max(codes, 100)), 1, differentiable=False)
        (h,) = (step.q.encoded for step in draw.steps.values() if isinstance(step.q, VectorQuantised))
        h = h.reshape(-1, self.event_shape[-1])
        generator = torch.Generator().manual_seed(0)
        # Taken again where there are fewer vectors than codes, and never twice in one place.
        order = torch.cat([torch.randperm(len(h), generator=generator) for _ in range(-(-codes // len(h)))])[:codes]
        noise = torch.randn(codes, self.event_shape[-1], generator=generator).to(h)
        self.start(h[order.to(h.device)] + 1e-3 * h.std() * noise)

    @abstractmethod
    def start(self, codebook: Tensor) -> None:
        """Takes the code vectors to start from, shape `(C, D)`."""


class VectorQuantisedPosterior(_Quantised):
    r"""All of q(z|x) on the codes nearest to L vectors h that are linear in the features; codes follow their vectors.

    $$ z_l = e_{k(l)}, \qquad k(l) = \arg\min_k |h_l - e_k|, \qquad
       L = -\log p(x|z) - \log p(z) + \beta \sum_l |h_l - \mathrm{sg}[z_l]|^2 $$

    z is the code vectors, as the decoder sees them. The choice is deterministic, so log q = 0, and log p(x, z) at the
    chosen codes is a lower bound of the model's $\log p(x) = \log \sum_z p(z) p(x|z)$: of the mass of other codes
    nothing is known. Gradients of z go to h as they are. The commitment loss keeps h near its codes.

    Codes are running means, $e_k = m_k / N_k$ with

    $$ N_k \leftarrow \gamma N_k + (1 - \gamma) n_k, \qquad
       m_k \leftarrow \gamma m_k + (1 - \gamma) \sum_{k(l) = k} h_l $$

    over a batch's $n_k$ vectors of each code. They move before the next batch, so that all that is computed of one
    batch is of one codebook. They start at encoded training examples, and processes share what they count.

    A code that no vector is near any more stays where it is, and is lost. With `revive` above 0, one whose $N_k$ falls
    below that starts again at a vector of the batch, as many times as it takes.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of codes.
        codes: The number C of code vectors, shared by all L.
        code_dim: The length D of one.
        commitment: $\beta$.
        decay: $\gamma$.
        revive: The running count $N_k$ below which a code starts again; 0 lets it rest.

    Example:
        >>> q = VectorQuantisedPosterior(features=8, latent_dim=3, codes=10, code_dim=2)(torch.randn(5, 8))
        >>> q.batch_shape, q.event_shape, sorted(q.losses)
        (torch.Size([5]), torch.Size([3, 2]), ['commitment'])

    References:
        | Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017), appendix A.1
        | https://arxiv.org/abs/1711.00937
        | Jukebox: a generative model for music (Dhariwal et al., 2020), section 3.1, for codes that start again
        | https://arxiv.org/abs/2005.00341
    """

    counts: Tensor
    sums: Tensor

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        codes: AtLeastTwo = 64,
        code_dim: PositiveInt = 16,
        commitment: NonNegativeFloat = 0.25,
        decay: OpenProbability = 0.99,
        revive: NonNegativeFloat = 0.0,
    ) -> None:
        super().__init__(features, latent_dim, codes, code_dim, commitment)
        self.decay, self.revive = decay, revive
        self.register_buffer("codebook", torch.empty(codes, code_dim))
        self.register_buffer("counts", torch.empty(codes))
        self.register_buffer("sums", torch.empty(codes, code_dim))
        self.start(torch.randn(codes, code_dim) / 3**0.5)

    @torch.no_grad()
    def start(self, codebook: Tensor) -> None:
        self.codebook.copy_(codebook)
        self.counts.fill_(1.0)
        self.sums.copy_(codebook)

    def forward(self, features: Tensor) -> VectorQuantised:
        learning = self.training and torch.is_grad_enabled()
        if learning:
            self._move()
        h = self.encoded(features).unflatten(-1, self.event_shape)
        q = VectorQuantised(h, self.codebook)
        if learning:
            self._count(h.detach(), q.indices)
            if self.revive:
                self._start_again(h.detach())
        q.losses = {"commitment": self.commitment * _apart(h, q.representative)}
        return q

    @torch.no_grad()
    def _move(self) -> None:
        known = (self.counts > _LEAST)[:, None]
        safe = torch.where(known, self.counts[:, None], torch.ones_like(self.sums))
        self.codebook.copy_(torch.where(known, self.sums / safe, self.codebook))

    @torch.no_grad()
    def _count(self, h: Tensor, indices: Tensor) -> None:
        chosen = nn.functional.one_hot(indices.flatten(), len(self.codebook)).to(h.dtype)
        # In one message; and by a product, since adding at indices has no fixed order on a GPU.
        found = torch.cat([chosen.sum(0)[:, None], chosen.T @ h.reshape(-1, h.shape[-1])], 1)
        if several_processes():
            distributed.all_reduce(found)
        self.counts.lerp_(found[:, 0], 1 - self.decay)
        self.sums.lerp_(found[:, 1:], 1 - self.decay)

    @torch.no_grad()
    def _start_again(self, h: Tensor) -> None:
        dead = self.counts < self.revive
        h = h.reshape(-1, h.shape[-1])
        found = h[torch.randint(len(h), dead.shape, device=h.device)]
        if several_processes():
            distributed.broadcast(found, 0)
        self.counts.masked_fill_(dead, self.revive)
        self.sums.copy_(torch.where(dead[:, None], self.revive * found, self.sums))


class GradientVectorQuantisedPosterior(_Quantised):
    r"""As `VectorQuantisedPosterior`, with codes that gradients move.

    $$ L = -\log p(x|z) - \log p(z) + \beta \sum_l |h_l - \mathrm{sg}[z_l]|^2 + \sum_l |\mathrm{sg}[h_l] - z_l|^2 $$

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of codes.
        codes: The number C of code vectors, shared by all L.
        code_dim: The length D of one.
        commitment: $\beta$.

    Example:
        >>> q = GradientVectorQuantisedPosterior(features=8, latent_dim=3, codes=10, code_dim=2)(torch.randn(5, 8))
        >>> q.batch_shape, q.event_shape, sorted(q.losses)
        (torch.Size([5]), torch.Size([3, 2]), ['codebook', 'commitment'])

    References:
        | Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        | https://arxiv.org/abs/1711.00937
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        codes: AtLeastTwo = 64,
        code_dim: PositiveInt = 16,
        commitment: NonNegativeFloat = 0.25,
    ) -> None:
        super().__init__(features, latent_dim, codes, code_dim, commitment)
        self.codebook = nn.Parameter(torch.randn(codes, code_dim) / 3**0.5)

    @torch.no_grad()
    def start(self, codebook: Tensor) -> None:
        self.codebook.copy_(codebook)

    def forward(self, features: Tensor) -> VectorQuantised:
        h = self.encoded(features).unflatten(-1, self.event_shape)
        q = VectorQuantised(h, self.codebook)
        q.losses = {
            "codebook": _apart(h.detach(), self.codebook[q.indices]),
            "commitment": self.commitment * _apart(h, q.representative),
        }
        return q


def _apart(h: Tensor, z: Tensor) -> Tensor:
    """Squared distances of examples, shape `(B,)`; of several draws in front of them, their mean."""
    apart = (h - z).square().sum((-2, -1))
    return apart.reshape(-1, apart.shape[-1]).mean(0)
