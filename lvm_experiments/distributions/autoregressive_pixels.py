"""Images, each cell given those before it."""

from __future__ import annotations

__all__ = ["AutoregressivePixels"]

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation

if TYPE_CHECKING:
    from lvm_experiments.networks.gated_pixel_cnn import GatedPixelCNN

_CELLS = 2**24  # numbers of a layer held at a time where no gradient is wanted; 64 MiB in float32
_PASSES = 32  # of the mean


class AutoregressivePixels(Observation):
    r"""$p(x \mid c) = \prod_d p(x_d \mid x_{<d}, c)$ over rows, columns and channels in this order.

    One pass of the network gives the density of all cells. A draw takes a pass for each of the D cells at most: with
    the noise of every cell drawn before, all cells are drawn anew in each pass from those of the pass before, until
    nothing changes. The first d cells are right after d passes, so this is the draw that going from cell to
    cell would give; how many passes it takes, from a few to D, is a matter of how much cells hang on each other.

    The mean of x has no closed form. `mean` is a mean-field one: $m_d = E[x_d \mid m_{<d}, c]$, the network shown means
    where it would see cells, from 32 passes that start in the middle of the levels, exact where there are no
    more than 32 cells. It draws nothing.

    Arguments:
        context: c, shape `(K, B, n, 1, H, W)`.
        network: Gives each cell's parameters.
        cells: Parameters `(1, N, P, C, H, W)` to the distribution of each cell given those before.
        channels: C.
        levels: How many values a cell can take.

    Example:
        >>> from lvm_experiments.distributions import Bernoulli
        >>> from lvm_experiments.networks.gated_pixel_cnn import GatedPixelCNN
        >>> network = GatedPixelCNN(1, context=2, parameters=1, layers=1, features=4, kernel=3)
        >>> p = AutoregressivePixels(torch.zeros(1, 5, 2, 1, 3, 3), network, lambda raw: Bernoulli(raw[:, :, 0]), 1, 2)
        >>> x = p.sample()
        >>> x.shape, p.log_prob(x).shape
        (torch.Size([1, 5, 1, 3, 3]), torch.Size([1, 5]))

    References:
        | Pixel recurrent neural networks (van den Oord, Kalchbrenner & Kavukcuoglu, 2016)
        | https://arxiv.org/abs/1601.06759
        | Predictive sampling with forecasting autoregressive models (Wiggers & Hoogeboom, 2020)
        | https://arxiv.org/abs/2002.09928
    """

    def __init__(
        self,
        context: Tensor,
        network: GatedPixelCNN,
        cells: Callable[[Tensor], Observation],
        channels: int,
        levels: int,
    ) -> None:
        self.context, self.network, self.cells, self.levels = context, network, cells, levels
        k, b, _, _, *image = context.shape
        super().__init__(context[:, :, 0].expand(k, b, channels, *image))

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.levels - 1), 1)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        x = x.expand(self.batch_shape + self.event_shape)
        return self._by_rows(lambda context, rows: self._given(context, rows).cell_log_prob(rows)[0], self.context, x)

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Nats per example, shape `(K, B)`.

        Raises:
            ValueError: Where cells are missing: those after them would have to be summed over all their values.
        """
        self._takes_whole_examples(mask)
        return super().log_prob(value)

    def _given(self, context: Tensor, x: Tensor) -> Observation:
        """The cells of N images x `(N, C, H, W)`, each given those before it."""
        raw = self.network(context[:, :, 0], 2 * x / (self.levels - 1) - 1)
        return self.cells(raw[None])

    def _by_rows(self, function: Callable[[Tensor, Tensor], Tensor], context: Tensor, x: Tensor) -> Tensor:
        """The function of contexts and images, shape of x, some of them at a time where no gradient is wanted."""
        rows = context.flatten(0, -5), x.flatten(0, -4)
        if torch.is_grad_enabled():
            return function(*rows).reshape(x.shape)
        of_one = 4 * self.network.width * x.shape[-1] * x.shape[-2]
        pieces = zip(*(part.split(max(1, _CELLS // of_one)) for part in rows), strict=True)
        return torch.cat([function(*piece) for piece in pieces]).reshape(x.shape)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            shape = self.batch_shape + self.event_shape
            u = self._noise(sample_shape, self.context[:, :, 0].expand(shape))
            return self._by_rows(self._settle, self.context.expand(*sample_shape, *self.context.shape), u)

    def _settle(self, context: Tensor, u: Tensor) -> Tensor:
        """The images that a cell's noise after the other gives, shape of u."""
        x = torch.zeros_like(u)
        for _ in range(self.event_shape.numel()):
            given = self._given(context, x)
            given._noise = lambda sample_shape, like: u[None]  # type: ignore[method-assign]  # the same in every pass
            before, x = x, given.sample()[0]
            if torch.equal(before, x):
                break
        return x

    @property
    def mean(self) -> Tensor:
        def settled(context: Tensor, x: Tensor) -> Tensor:
            for _ in range(min(_PASSES, self.event_shape.numel())):
                x = self._given(context, x).mean[0]
            return x

        middle = self.context.new_full((), (self.levels - 1) / 2)
        return self._by_rows(settled, self.context, middle.expand(self.batch_shape + self.event_shape))
