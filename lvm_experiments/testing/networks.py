"""The contracts of encoders and decoders."""

from __future__ import annotations

__all__ = ["check_decoder", "check_encoder"]

from collections.abc import Callable

import torch

from lvm_experiments.batch import Batch
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import (
    example_of,
    gradients_reach,
    require,
    seeded,
    survives_saving,
)

_K, _B = 2, 5


def check_encoder(encoder: Callable[[DataSpec], Encoder], spec: DataSpec) -> None:
    """Shapes, independence of examples, gradients, saving.

    Arguments:
        encoder: What is called with `spec` to build it: a class, or a partial of one.
        spec: What is known of the data.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.networks import MLPEncoder
        >>> check_encoder(partial(MLPEncoder, hidden=[8]), DataSpec("unit", (4,)))
    """
    with seeded():
        part = encoder(spec)
        require(isinstance(part, Encoder), "an encoder is an Encoder")
        require(isinstance(part.features, int), "features is the length of what it returns")
        x = spec.embed(example_of(spec, _B))
        h = part(x, Batch(x))
        require(h.shape == (_B, part.features), "features have shape (B, F)")
        require(torch.isfinite(h).all(), "features are finite")
        gradients_reach(part, (h * torch.randn_like(h)).sum(), "the features")
        part.eval()
        whole, alone = part(x, Batch(x)), part(x[1:2], Batch(x[1:2]))
        require(torch.allclose(whole[1:2], alone, atol=1e-5), "no example depends on another")
        survives_saving(lambda: encoder(spec), lambda m: m(x, Batch(x)))


def check_decoder(
    decoder: Callable[[int, tuple[int, ...]], Decoder], shape: tuple[int, ...], *, inputs: int = 3
) -> None:
    """Shapes, independence of draws and examples, gradients, saving.

    Arguments:
        decoder: What is called with `(inputs, shape)` to build it.
        shape: The shape of a likelihood's parameters.
        inputs: The length of what is decoded.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.networks import MLPDecoder
        >>> check_decoder(partial(MLPDecoder, hidden=[8]), (2, 4))
    """
    with seeded():
        part = decoder(inputs, shape)
        require(isinstance(part, Decoder), "a decoder is a Decoder")
        z = torch.randn(_K, _B, inputs)
        raw = part(z)
        require(raw.shape == (_K, _B, *shape), "raw parameters have shape (K, B, *parameter_shape)")
        require(torch.isfinite(raw).all(), "raw parameters are finite")
        gradients_reach(part, (raw * torch.randn_like(raw)).sum(), "the parameters")
        part.eval()
        whole, alone = part(z), part(z[1:, 2:3])
        require(torch.allclose(whole[1:, 2:3], alone, atol=1e-5), "no draw depends on another")
        survives_saving(lambda: decoder(inputs, shape), lambda m: m(z))
