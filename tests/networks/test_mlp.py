from __future__ import annotations

import torch

from lvm_experiments.batch import Batch
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.spec import DataSpec


def test_without_hidden_layers_the_features_are_x() -> None:
    x = torch.randn(3, 2, 2)
    encoder = MLPEncoder(DataSpec("real", (2, 2)), hidden=[])
    assert encoder.features == 4
    assert torch.equal(encoder(x, Batch(x)), x.flatten(1))


def test_without_hidden_layers_a_decoder_is_affine() -> None:
    decoder = MLPDecoder(2, (1, 3), hidden=[])
    a, b = torch.randn(2, 1, 4, 2)
    whole, parts = decoder(a + b), decoder(a) + decoder(b) - decoder(torch.zeros(1, 4, 2))
    assert torch.allclose(whole, parts, atol=1e-5)


def test_layers_have_the_sizes_asked_for() -> None:
    encoder = MLPEncoder(DataSpec("binary", (1, 4, 4)), hidden=[7, 5])
    assert [tuple(p.shape) for p in encoder.parameters() if p.ndim == 2] == [(7, 16), (5, 7)]
    decoder = MLPDecoder(3, (2, 4), hidden=[5, 7])
    assert [tuple(p.shape) for p in decoder.parameters() if p.ndim == 2] == [(5, 3), (7, 5), (8, 7)]
