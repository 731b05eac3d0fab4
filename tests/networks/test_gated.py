"""Gated layers against their formula; gated convolutions and residual stages take any image and refuse the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks import (
    GatedConvDecoder,
    GatedConvEncoder,
    GatedDeconvDecoder,
    GatedMLPDecoder,
    GatedMLPEncoder,
    ResNetDecoder,
    ResNetEncoder,
)
from lvm_experiments.spec import DataSpec

sides = st.integers(8, 30)
planes = st.lists(st.integers(1, 4), max_size=5)
ENCODERS: list[Callable[..., Any]] = [
    lambda spec, channels: GatedConvEncoder(spec, channels, [5, 3, 7, 3, 1][: len(channels)], hidden=5),
    lambda spec, channels: ResNetEncoder(spec, channels, blocks=1, hidden=5),
]
DECODERS: list[Callable[..., Any]] = [
    lambda shape, channels: GatedDeconvDecoder(2, shape, channels, [5, 3, 7, 3, 1][: len(channels)]),
    lambda shape, channels: GatedConvDecoder(2, shape, channels, [5, 3, 7, 3, 1][: len(channels)]),
    lambda shape, channels: ResNetDecoder(2, shape, channels, blocks=1, hidden=5, activation="softplus"),
]


def test_a_layer_is_an_affine_map_times_the_sigmoid_of_another() -> None:
    encoder = GatedMLPEncoder(DataSpec("real", (4,)), hidden=[3])
    x = torch.randn(6, 4)
    weight, bias = (p.detach() for p in encoder.parameters())
    assert (weight.shape, encoder.features) == ((6, 4), 3)
    gate = 1 / (1 + torch.exp(-(x @ weight[3:].T + bias[3:])))
    assert torch.allclose(encoder(x, Batch(x)), (x @ weight[:3].T + bias[:3]) * gate, atol=1e-6)


def test_without_hidden_layers_a_gated_decoder_is_affine() -> None:
    decoder = GatedMLPDecoder(2, (1, 3), hidden=[])
    a, b = torch.randn(2, 1, 4, 2)
    whole, parts = decoder(a + b), decoder(a) + decoder(b) - decoder(torch.zeros(1, 4, 2))
    assert torch.allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize("build", ENCODERS)
@settings(max_examples=25, deadline=None)
@given(C=st.integers(1, 3), H=sides, W=sides, channels=planes)
def test_encoders_take_any_image(build: Callable[..., Any], C: int, H: int, W: int, channels: list[int]) -> None:
    x = torch.rand(2, C, H, W)
    h = build(DataSpec("unit", (C, H, W)), channels)(x, Batch(x))
    assert h.shape == (2, 5)
    assert h.isfinite().all()


@pytest.mark.parametrize("build", DECODERS)
@settings(max_examples=25, deadline=None)
@given(P=st.integers(1, 2), C=st.integers(1, 3), H=sides, W=sides, channels=planes)
def test_decoders_meet_any_image_s_size(
    build: Callable[..., Any], P: int, C: int, H: int, W: int, channels: list[int]
) -> None:
    torch.manual_seed(0)
    raw = build((P, C, H, W), channels).double()(torch.randn(3, 2, 2).double())
    assert raw.shape == (3, 2, P, C, H, W)
    # Every pixel hangs on the latents: no border is left without a kernel.
    assert (raw.std((0, 1)) > 0).all()


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 7, 8), ()], ids=str)
@pytest.mark.parametrize("number", [0, 1])
def test_what_is_no_image_is_refused_in_one_sentence(number: int, shape: tuple[int, ...]) -> None:
    for build in (
        lambda: ENCODERS[number](DataSpec("unit", shape), [4]),
        lambda: DECODERS[number]((1, *shape), [4]),
    ):
        with pytest.raises(ValueError, match=r"takes images of at least 8x8.*; use mlp"):
            build()


@pytest.mark.parametrize(
    ("kernels", "text"), [([5], "2 convolutions in channels, and 1 in kernels"), ([5, 4], r"odd sides, not \[5, 4\]")]
)
def test_kernels_that_do_not_fit_are_refused(kernels: list[int], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        GatedConvEncoder(DataSpec("unit", (1, 8, 8)), [4, 4], kernels, hidden=5)
    with pytest.raises(ValueError, match=text):
        GatedDeconvDecoder(2, (1, 1, 8, 8), [4, 4], kernels)
    with pytest.raises(ValueError, match="leaves pixels without any"):
        GatedDeconvDecoder(2, (1, 1, 8, 8), [4, 4], [3, 1])


def maps(network: nn.Module, kind: type[nn.Module], *inputs: Any) -> list[tuple[int, ...]]:
    """The shapes that layers of a kind return, without the batch."""
    found: list[tuple[int, ...]] = []

    def note(module: nn.Module, given: Any, output: Tensor) -> None:
        found.append(tuple(output.shape[1:]))

    for module in network.modules():
        if isinstance(module, kind):
            module.register_forward_hook(note)
    network(*inputs)
    return found


def test_the_maps_of_the_papers_network_on_28_by_28_pixels() -> None:
    x = torch.rand(2, 1, 28, 28)
    encoder = GatedConvEncoder(DataSpec("unit", (1, 28, 28)), [32, 32, 64, 64, 64], [5] * 5, hidden=256)
    # Twice the channels, of which half are gates; the dense layer is the 7x7 convolution of a 7x7 map.
    assert maps(encoder, nn.Conv2d, x, Batch(x)) == [
        (64, 28, 28), (64, 14, 14), (128, 14, 14), (128, 7, 7), (128, 7, 7)
    ]  # fmt: skip
    assert encoder.layers[-1].in_features == 64 * 7 * 7
    decoder = GatedDeconvDecoder(64, (1, 1, 28, 28), [64, 32, 32, 32, 32], [5] * 5)
    assert maps(decoder, nn.ConvTranspose2d, torch.randn(1, 2, 64)) == [
        (128, 7, 7), (64, 14, 14), (64, 14, 14), (64, 28, 28), (64, 28, 28)
    ]  # fmt: skip
    plain = GatedConvDecoder(80, (1, 1, 28, 28), [64] * 4, [3] * 4)
    assert plain.layers[0].weight.shape == (2 * 28 * 28, 80)
    assert maps(plain, nn.Conv2d, torch.randn(1, 2, 80)) == [(128, 28, 28)] * 4 + [(1, 28, 28)]
