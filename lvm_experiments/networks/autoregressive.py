"""Autoregressive transformations whose two directions both cost one pass through their network."""

from __future__ import annotations

__all__ = ["Autoregressive", "AutoregressiveTransform", "autoregressive_layers", "inverse_cells", "splines"]

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform, constraints
from torch.nn.functional import linear
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.lazy import LazyComposedTransform
from zuko.nn import MaskedLinear
from zuko.transforms import DependentTransform, MonotonicRQSTransform
from zuko.utils import unpack

from lvm_experiments.networks.base import activation_layer
from lvm_experiments.types import Activation


def autoregressive_layers(
    features: int, context: int, transforms: int, hidden: list[int], activation: Activation, **univariate: Any
) -> LazyComposedTransform:
    """T layers, the order of coordinates reversed from one to the next.

    Arguments:
        features: The number L of coordinates.
        context: The length of what they are given.
        transforms: T.
        hidden: The sizes of each network's hidden layers.
        activation: After every hidden layer.
        univariate: zuko's `univariate` and `shapes`, what becomes of a coordinate; an affine function unless given.

    Example:
        >>> len(autoregressive_layers(3, 4, 2, [8], "elu").transforms)
        2
    """
    order = torch.arange(features)
    made = partial(
        Autoregressive,
        features,
        context,
        hidden_features=list(hidden),
        activation=partial(activation_layer, activation),
        **univariate,
    )
    return LazyComposedTransform(*(made(order=order.flip(0) if t % 2 else order) for t in range(transforms)))


def splines(bins: int) -> dict[str, Any]:
    """What makes monotonic rational-quadratic splines on [-5, 5] of the layers' univariate functions."""
    return {"univariate": MonotonicRQSTransform, "shapes": [(bins,), (bins,), (bins - 1,)]}


class Autoregressive(MaskedAutoregressiveTransform):
    r"""zuko's layer $y_i = f(x_i; \phi_i(x_1, \ldots, x_{i-1}, c))$, as a fast one.

    zuko inverts it by L passes through the masked network, of each of which all but one coordinate is thrown away. A
    unit of the network is a function of the coordinates that its masks let through, so it can be computed once, as
    soon as the last of these is known: L steps, which are one pass together. What the context adds to the first
    layer is computed once for each context and not for each vector that meets it.

    Arguments:
        features: The number L of coordinates. A lone one has no network before it, and zuko's own layer is made.
        context: The length of c.
        args, kwargs: zuko's own.

    Example:
        >>> layer = Autoregressive(3, 4, hidden_features=[8])
        >>> f, x = layer(torch.randn(5, 4)), torch.randn(2, 5, 3)
        >>> bool(torch.allclose(f.inv(f(x)), x, atol=1e-5))
        True

    References:
        | Masked autoregressive flow for density estimation (Papamakarios, Pavlakou & Murray, 2017)
        | https://arxiv.org/abs/1705.07057
    """

    def __init__(self, features: int, context: int = 0, *args: Any, **kwargs: Any) -> None:
        super().__init__(features, context, *args, **kwargs)
        # The step at which each unit is known: 0 of the context alone, k after k coordinates in their order.
        step = torch.cat([self.order + 1, self.order.new_zeros(context)])
        self.step_ends: list[list[int]] = []
        for t, layer in enumerate(self.linear_layers):
            last = layer is self.linear_layers[-1]
            step = torch.where(layer.mask, step, 0).amax(1) if not last else self.order.repeat_interleave(self.total)
            self.step_ends.append(torch.bincount(step, minlength=self.passes).cumsum(0)[: self.passes].tolist())
            self.register_buffer(f"by_step_{t}", step.argsort(stable=True), persistent=False)
        self.register_buffer("sorted_coordinates", self.order.argsort(stable=True), persistent=False)

    @property
    def linear_layers(self) -> list[MaskedLinear]:
        return [layer for layer in self.hyper if isinstance(layer, MaskedLinear)]

    def forward(self, c: Tensor | None = None) -> Transform:
        return AutoregressiveTransform(self, c)


def inverse_cells(layers: LazyComposedTransform) -> int:
    """About how many numbers the inverse of layers holds for one vector and its gradient."""
    found = 0
    for layer in layers.modules():
        if isinstance(layer, Autoregressive):
            # What is known is held anew at each step, half of it on average; the rest is held once or twice.
            found += layer.passes * sum(part.in_features for part in layer.linear_layers) // 2
            found += 3 * sum(part.out_features for part in layer.linear_layers)
    return found


class AutoregressiveTransform(Transform):
    """The transformation of vectors `(*, L)` that an `Autoregressive` layer is for contexts `(*batch, C)`."""

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, layer: Autoregressive, context: Tensor | None) -> None:
        super().__init__()
        self.layer = layer
        first, length = layer.linear_layers[0], len(layer.order)
        self.weight = (first.mask * first.weight)[:, :length]
        self.shift = first.bias
        if context is not None:
            self.shift = linear(context, (first.mask * first.weight)[:, length:], first.bias)  # (*batch, H)

    def _call(self, x: Tensor) -> Tensor:
        x = self._with_context(x)
        return self._univariate(self._parameters(x))(x)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self._univariate(self._parameters(x)).log_abs_det_jacobian(x, y)

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self._with_context(x)
        return self._univariate(self._parameters(x)).call_and_ladj(x)

    @property
    def inv(self) -> Transform:
        return _Inverse(self)

    def _with_context(self, x: Tensor) -> Tensor:
        return x.expand(*torch.broadcast_shapes(x.shape[:-1], self.shift.shape[:-1]), -1)

    def _parameters(self, x: Tensor) -> Tensor:
        _, *rest = self.layer.hyper
        hidden = linear(x, self.weight) + self.shift
        for part in rest:
            hidden = part(hidden)
        return hidden

    def _univariate(self, parameters: Tensor) -> Any:
        total = self.layer.total
        phi = unpack(parameters.unflatten(-1, (parameters.shape[-1] // total, total)), self.layer.shapes)
        return DependentTransform(self.layer.univariate(*phi), 1)

    def inverse(self, y: Tensor) -> Tensor:
        """x."""
        x, _, _ = self._inverted(y)
        return x[..., self.layer.sorted_coordinates.argsort()]

    def inverse_and_ladj(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """x, and the log-determinant of the inverse."""
        x, y, parameters = self._inverted(y)
        ladj = self._univariate(parameters).log_abs_det_jacobian(x, y)
        return x[..., self.layer.sorted_coordinates.argsort()], -ladj

    def _inverted(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x and y in the order of their coordinates, and the parameters of what leads from one to the other."""
        layer, linears = self.layer, self.layer.linear_layers
        activations = [part for part in layer.hyper if not isinstance(part, MaskedLinear)]
        y = self._with_context(y)[..., layer.sorted_coordinates]
        # Rows and columns in the order in which units are known, so that what is known is always the first of them.
        rows = [getattr(layer, f"by_step_{t}") for t in range(len(linears))]
        weights = [self.weight[rows[0]][:, layer.sorted_coordinates]]
        weights += [
            (part.mask * part.weight)[new][:, old] for part, new, old in zip(linears[1:], rows[1:], rows, strict=False)
        ]
        shifts = [self.shift, *(part.bias for part in linears[1:])]
        shifts = [shift[..., new] for shift, new in zip(shifts, rows, strict=True)]
        known, parameters, found = [y[..., :0] for _ in linears], [], y
        for k in range(layer.passes):
            for t, ends in enumerate(layer.step_ends):
                new = slice(ends[k - 1] if k else 0, ends[k])
                found = linear(known[t], weights[t][new, : known[t].shape[-1]]) + shifts[t][..., new]
                if t < len(activations):
                    known[t + 1] = torch.cat([known[t + 1], activations[t](found)], -1)
            parameters.append(found)
            at = slice(known[0].shape[-1], ends[k] // layer.total)
            known[0] = torch.cat([known[0], self._univariate(found).inv(y[..., at])], -1)
        return known[0], y, torch.cat(parameters, -1)


class _Inverse(Transform):
    """The inverse, which finds its log-determinant on the way."""

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, of: AutoregressiveTransform) -> None:
        super().__init__()
        self.of = of

    @property
    def inv(self) -> AutoregressiveTransform:
        return self.of

    def _call(self, x: Tensor) -> Tensor:
        return self.of.inverse(x)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.of.log_abs_det_jacobian(y, x)

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.of.inverse_and_ladj(x)
