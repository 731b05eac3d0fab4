"""The contracts of encoders and decoders."""

from __future__ import annotations

__all__ = ["Decoder", "Encoder", "Network", "activation_layer", "image_shape", "refuse_tokens"]

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.options import options_where
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


class Network(nn.Module, ABC):
    """A network that may run in 16 bits; probabilities, which are computed of what it returns, do not.

    Attributes:
        mixed: The type that mixed precision computes in; None: that of its parameters.
    """

    mixed: torch.dtype | None = None

    def __call__(self, *inputs: Any) -> Any:
        if self.mixed is None:
            return super().__call__(*inputs)
        with torch.autocast(inputs[0].device.type, dtype=self.mixed):
            return super().__call__(*inputs).to(inputs[0].dtype)


class Encoder(Network):
    """Embedded observations to features. Its constructor takes `(spec, ...)`; the simplest to read is `MLPEncoder`.

    Attributes:
        features: The length F of what it returns.
        sequential: Whether it takes sequences: tokens, and series of shape `(T, D)`; others take numbers alone.
    """

    features: int
    sequential: ClassVar[bool] = False

    @abstractmethod
    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x embedded, shape `(B, *shape)`, to features `(B, F)`; mask, lengths and condition are the batch's."""


class Decoder(Network):
    """Latents to raw likelihood parameters. Its constructor takes `(inputs, shape, ...)`; see `MLPDecoder`."""

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """z of shape `(K, B, inputs)`, events flattened and condition appended, to `(K, B, *shape)`."""

    def start_at(self, raw: Tensor) -> None:
        """Told the raw parameters of the data's mean, shape `shape`; one that is to begin there sets its last bias."""


def activation_layer(name: Activation) -> nn.Module:
    """The activation of that name, as a module."""
    return _ACTIVATIONS[name]()


def image_shape(shape: tuple[int, ...], who: str, otherwise: str = "; use mlp") -> tuple[int, int, int]:
    """`shape` as (C, H, W).

    Arguments:
        shape: Of the data.
        who: Who takes images.
        otherwise: What to do where they are none.

    Raises:
        ValueError: Where it is not the shape of an image of at least 8x8.
    """
    if len(shape) != 3 or min(shape[1:]) < 8:
        raise ValueError(
            f"{who} takes images of at least 8x8, shape (C, H, W), and the data have shape {shape}{otherwise}"
        )
    channels, height, width = shape
    return channels, height, width


def refuse_tokens(spec: DataSpec, who: str) -> None:
    """For encoders to whom x are numbers, which those of tokens are in name only.

    Raises:
        RequestError: With the encoders that take tokens.
    """
    if spec.space == "tokens":
        can = options_where("model/encoder", lambda kind: kind.sequential)
        raise RequestError(
            f"{who} takes numbers, and the observations are tokens",
            where="model.encoder",
            hint=f"choose model/encoder={'|'.join(can)}",
        )
