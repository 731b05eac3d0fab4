"""Topics against their formula by hand."""

from __future__ import annotations

import numpy as np
import torch

from lvm_experiments.networks import TopicDecoder


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_logits_are_mixed_or_topics_are() -> None:
    z = torch.randn(2, 3, 4).double()
    for mixture in (False, True):
        decoder = TopicDecoder(4, (1, 6), mixture=mixture).double()
        decoder.start_at(torch.ones(1, 6))
        assert torch.equal(decoder.background, torch.zeros(6).double())
        with torch.no_grad():
            decoder.background.normal_()
        w, b = decoder.topics.detach().numpy(), decoder.background.detach().numpy()
        shares = softmax(z.numpy())
        expected = np.log(shares @ softmax(w + b)) if mixture else shares @ w + b
        np.testing.assert_allclose(decoder(z).detach().numpy()[..., 0, :], expected, rtol=1e-10)


def test_its_background_begins_at_the_data_s_mean_if_it_is_to() -> None:
    decoder = TopicDecoder(4, (1, 6), bias="data_mean")
    raw = torch.arange(6.0)[None]
    decoder.start_at(raw)
    assert torch.equal(decoder.background, raw[0])
    spread = decoder(torch.zeros(1, 1, 4))[0, 0, 0] - raw[0]
    assert spread.abs().max() < 3
