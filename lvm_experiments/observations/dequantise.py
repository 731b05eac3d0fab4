"""Maps from countable levels to real numbers that keep densities comparable."""

from __future__ import annotations

__all__ = ["ToReal", "ToUnit"]

import math

import torch
from torch import Tensor

from lvm_experiments.observations.base import ObservationMap
from lvm_experiments.spec import DataSpec, as_floating


class ToUnit(ObservationMap):
    r"""Uniform dequantisation to the open unit interval, $y = (x + u) / \text{levels}$ with u uniform on (0, 1).

    A density of y bounds the mass of x from below: $\log P(x) \ge E_u[\log p(y)] - D \log \text{levels}$.

    Arguments:
        source: What is known of the data.

    Example:
        >>> ToUnit(DataSpec("bytes", (2,), levels=256)).log_det() / 2 == -math.log(256)
        True

    References:
        | A note on the evaluation of generative models (Theis, van den Oord & Bethge, 2015)
        | https://arxiv.org/abs/1511.01844
    """

    lossless = True
    target = "unit"

    def __init__(self, source: DataSpec) -> None:
        super().__init__(source)
        self.levels = source.levels if source.space in ("binary", "bytes") else 0
        if not self.levels and source.space not in self._kept():
            raise self._refuse(self.target, can=("binary", "bytes", *self._kept()))
        self.description = f"{self.target}, {self.levels} levels dequantised" if self.levels else source.space
        if self.levels:
            mean = None if source.mean is None else (source.mean + 0.5) / self.levels
            std = None if source.std is None else (source.std**2 + 1 / 12).sqrt() / self.levels
            self.spec = source.replace(space="unit", levels=0, mean=mean, std=std)

    def _kept(self) -> tuple[str, ...]:
        return ("unit",)

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        x = as_floating(x)
        if not self.levels:
            return x
        u = self._noise(x)
        # The open interval, and so far inside it that no rounding, here or on the way back, leaves the level's bin:
        # `torch.rand` returns 0 now and then, where a density may be infinite, and in float32 100 + u may be 101.
        margin = 4 * self.levels * torch.finfo(u.dtype).eps
        return (x + u.clamp(margin, 1 - margin)) / self.levels

    def inverse(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        if self.levels:
            # A level's bin begins at it; its middle is the mean of what is dequantised to it.
            values = torch.floor(x * self.levels) if rounded else x * self.levels - 0.5
            return values.clamp(0, self.levels - 1)
        # A density on the real line may draw what unit data cannot be.
        return x.clamp(0, 1) if self.source.space == "unit" else x

    def log_det(self) -> float:
        return -self.source.dims * math.log(self.levels) if self.levels else 0.0


class ToReal(ToUnit):
    r"""Real numbers: levels dequantised as `ToUnit` does, real data as they are; both standardised where asked for.

    With $y = (v - m) / s$, m and s the training mean and deviation of each column of a table or of all cells of
    an image, the log-determinant $-\sum_d \log s_d$ is kept: bits per dimension stay those of the levels.

    Arguments:
        source: What is known of the data.
        standardise: Whether to subtract the training mean and divide by the training deviation.

    Example:
        >>> spec = DataSpec("real", (2,), mean=torch.tensor([1.0, 0.0]), std=torch.tensor([2.0, 1.0]))
        >>> ToReal(spec, standardise=True)(torch.tensor([[3.0, 1.0]]))
        tensor([[1., 1.]])
    """

    target = "real"

    def __init__(self, source: DataSpec, *, standardise: bool = False) -> None:
        super().__init__(source)
        self.shift, self.scale = torch.zeros(()), torch.ones(())
        if standardise:
            self._standardise()
        self.spec = self.spec.replace(space="real")

    def _kept(self) -> tuple[str, ...]:
        return ("unit", "real")

    def _standardise(self) -> None:
        mean, std = self.spec.mean, self.spec.std
        if mean is None or std is None:
            raise ValueError("standardising needs the training mean and deviation")
        if mean.ndim > 1:
            # Over all cells: a border that never varies must not be divided by nothing.
            std = (std**2 + (mean - mean.mean()) ** 2).mean().sqrt()
            mean = mean.mean()
        self.shift, self.scale = mean, torch.where(std > 0, std, torch.ones_like(std))
        self.description += ", standardised"
        assert self.spec.mean is not None
        assert self.spec.std is not None
        self.spec = self.spec.replace(mean=(self.spec.mean - self.shift) / self.scale, std=self.spec.std / self.scale)

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        return (super().convert(x, index) - self.shift.to(x.device)) / self.scale.to(x.device)

    def inverse(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        return super().inverse(x * self.scale.to(x.device) + self.shift.to(x.device), rounded=rounded)

    def log_det(self) -> float:
        return super().log_det() - float(self.scale.double().log().expand(self.source.shape).sum())
