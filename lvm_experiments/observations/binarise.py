"""Maps to binary values."""

from __future__ import annotations

__all__ = ["BinariseDynamic", "BinariseStatic", "BinariseThreshold"]

from torch import Tensor

from lvm_experiments.noise import keyed_noise
from lvm_experiments.observations.base import ObservationMap
from lvm_experiments.spec import DataSpec, as_floating
from lvm_experiments.types import NonNegativeInt, OpenProbability


class _Binarise(ObservationMap):
    """Levels 0 .. n - 1 read as probabilities x / (n - 1). Binary data stay what they are."""

    manner: str

    def __init__(self, source: DataSpec) -> None:
        super().__init__(source)
        if source.space not in ("binary", "bytes", "unit"):
            raise self._refuse("binary", can=("binary", "bytes", "unit"))
        self.top = max(source.levels - 1, 1)
        self.lossless = source.space == "binary"
        self.description = "binary" if self.lossless else f"binary ({self.manner})"
        mean = None if source.mean is None else source.mean / self.top
        std = None if mean is None else (mean * (1 - mean)).clamp_min(0).sqrt()
        self.spec = source.replace(space="binary", levels=2, mean=mean, std=std)

    def probabilities(self, x: Tensor) -> Tensor:
        return as_floating(x) / self.top

    def inverse(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        values = x * self.top
        return values.round() if self.source.levels and rounded else values


class BinariseDynamic(_Binarise):
    """A Bernoulli draw of the grey level each time an example is shown; in evaluation the draw is keyed by the example.

    Arguments:
        source: What is known of the data.

    Example:
        >>> BinariseDynamic(DataSpec("bytes", (2,), levels=256))(torch.tensor([[0, 255]], dtype=torch.uint8))
        tensor([[0., 1.]])

    References:
        | On the quantitative analysis of deep belief networks (Salakhutdinov & Murray, 2008)
    """

    manner = "dynamic"

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        if self.lossless:
            return as_floating(x)
        # 16 random bits a cell from 64-bit draws would be three times as fast, and off by 2^-17 in probability.
        p = self.probabilities(x)
        return (self._noise(p) < p).to(p.dtype)


class BinariseStatic(_Binarise):
    """One Bernoulli draw of the grey levels for each example, the same whenever and wherever it is shown.

    Arguments:
        source: What is known of the data.
        seed: Which draw.

    Example:
        >>> static = BinariseStatic(DataSpec("bytes", (2,), levels=256), seed=3)
        >>> x, index = torch.tensor([[90, 160]]), torch.tensor([7])
        >>> torch.equal(static(x, index), static(x, index))
        True
    """

    manner = "static"

    def __init__(self, source: DataSpec, seed: NonNegativeInt = 0) -> None:
        super().__init__(source)
        self.seed = seed
        if not self.lossless:
            self.description = f"binary (static, seed {seed})"

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        if self.lossless:
            return as_floating(x)
        if index is None:
            raise ValueError("a static draw belongs to an example, so the batch has to carry the examples' numbers")
        p = self.probabilities(x)
        with keyed_noise(index, self.seed, stream=2):
            return (self._noise(p) < p).to(p.dtype)


class BinariseThreshold(_Binarise):
    """1 where the grey level, scaled to [0, 1], lies above the threshold.

    Arguments:
        source: What is known of the data.
        threshold: What it has to exceed.

    Example:
        >>> BinariseThreshold(DataSpec("bytes", (3,), levels=256))(torch.tensor([[90, 127, 128]]))
        tensor([[0., 0., 1.]])
    """

    manner = "threshold"

    def __init__(self, source: DataSpec, threshold: OpenProbability = 0.5) -> None:
        super().__init__(source)
        self.threshold = threshold
        if not self.lossless:
            self.description = f"binary (above {threshold:g})"

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        if self.lossless:
            return as_floating(x)
        p = self.probabilities(x)
        return (p > self.threshold).to(p.dtype)
