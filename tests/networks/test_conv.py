"""Convolutions take any image from 8x8 on, with any number of channels, and refuse the rest in one sentence."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_experiments.batch import Batch
from lvm_experiments.networks import ConvEncoder, DeconvDecoder
from lvm_experiments.networks.conv import halved
from lvm_experiments.spec import DataSpec

sides = st.integers(8, 40)
planes = st.lists(st.integers(1, 4), max_size=5)


@settings(max_examples=60)
@given(C=st.integers(1, 4), H=sides, W=sides, channels=planes)
def test_encoders_take_any_image(C: int, H: int, W: int, channels: list[int]) -> None:
    spec = DataSpec("unit", (C, H, W))
    x = torch.rand(2, C, H, W)
    h = ConvEncoder(spec, channels=channels, hidden=5)(x, Batch(x))
    assert h.shape == (2, 5)
    assert h.isfinite().all()


@settings(max_examples=60)
@given(P=st.integers(1, 3), C=st.integers(1, 4), H=sides, W=sides, channels=planes)
def test_decoders_meet_any_image_s_size(P: int, C: int, H: int, W: int, channels: list[int]) -> None:
    torch.manual_seed(0)
    decoder = DeconvDecoder(2, (P, C, H, W), channels=channels, hidden=5, activation="softplus")
    raw = decoder.double()(torch.randn(3, 2, 2).double())
    assert raw.shape == (3, 2, P, C, H, W)
    # Every pixel hangs on the latents: no border is left without a kernel.
    assert (raw.std((0, 1)) > 0).all()


def test_an_encoder_without_convolutions_is_one_layer() -> None:
    spec = DataSpec("unit", (1, 8, 8))
    x = torch.rand(2, 1, 8, 8)
    assert ConvEncoder(spec, channels=[], hidden=5)(x, Batch(x)).shape == (2, 5)


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 7, 8), (1, 28, 4), (1, 2, 8, 8), ()], ids=str)
def test_what_is_no_image_is_refused_in_one_sentence(shape: tuple[int, ...]) -> None:
    for build in (
        lambda: ConvEncoder(DataSpec("unit", shape), channels=[4], hidden=5),
        lambda: DeconvDecoder(2, (1, *shape), channels=[4], hidden=5),
    ):
        with pytest.raises(ValueError, match=r"takes images of at least 8x8.*; use mlp") as refusal:
            build()
        assert str(shape) in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_sides_are_halved_rounding_up() -> None:
    assert halved(28, 3) == [28, 14, 7, 4]
    assert halved(9, 2) == [9, 5, 3]
    assert halved(8, 5) == [8, 4, 2, 1, 1, 1]
