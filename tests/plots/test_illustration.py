from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.observations import Identity, observe
from lvm_experiments.plots import Illustration
from lvm_experiments.spec import DataSpec
from tests.plots.kinds import Conditional, bits, changed, colour, grey, levels, table


def test_the_model_sees_what_evaluation_shows_it() -> None:
    context = changed(grey(), seed=3)
    assert torch.equal(context.seen.x, observe(context.observation, context.examples, 3).x)


def test_draws_and_means_are_of_the_same_z() -> None:
    context = levels()
    with torch.no_grad():  # next to no noise in p(x|z)
        context.model.decoder.layers[-1].bias[64:] = -7
        context.model.decoder.layers[-1].weight[64:] = 0
    difference = (context.samples(50) - context.samples(50, mean=True)).abs()
    assert difference.max() <= 1
    assert context.samples(50, mean=True).std(0).max() > 2


def test_samples_are_values_of_the_data() -> None:
    for kind, high in ((grey, 16), (levels, 16), (colour, 255), (bits, 1)):
        x = kind().samples(30)
        assert x.shape == (30, *kind().source.shape)
        assert torch.equal(x, x.round())
        assert x.min() >= 0
        assert x.max() <= high
    assert set(grey().samples(30).unique().tolist()) == {0, 16}  # a binary draw in the data's levels


def test_means_of_binary_data_are_probabilities() -> None:
    context = bits()
    means = context.samples(100, mean=True)
    assert not torch.equal(means, means.round())
    assert torch.equal(context.original(means), means.round())


def test_tables_are_in_their_own_units() -> None:
    context = table()
    assert context.seen.x.std() == pytest.approx(1, abs=0.1)
    assert torch.allclose(context.original(context.seen.x), context.raw, rtol=1e-4, atol=1e-3)


def test_codes_and_classes_belong_together() -> None:
    context = grey()
    assert context.codes.shape == (40, 4)
    assert context.classes.tolist() == (np.arange(40) % 3).tolist()
    given = changed(context, latent_mean=np.diag([1.0, 5, 3, 2])[[0, 1, 2, 3, 0]], label=torch.arange(5))
    assert given.codes.shape == (5, 4)
    assert given.classes.tolist() == [0, 1, 2, 3, 4]
    assert given.by_activity == [1, 2, 3, 0]
    assert changed(given, label=None).classes is None


def test_conditional_models_use_the_conditions_of_the_examples() -> None:
    spec = DataSpec("binary", (1, 8, 8), levels=2)
    condition = torch.tensor([[-30.0], [30.0]])
    examples = Batch(torch.zeros(2, 1, 8, 8), condition=condition, index=torch.arange(2))
    context = Illustration(Conditional(spec), Identity(spec), examples)
    for mean in (False, True):
        assert context.samples(64, mean=mean).flatten(1).mean(1).round().tolist() == [0, 1]


def test_no_more_images_are_reconstructed_than_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lvm_experiments.plots.illustration.PICTURES", 7)
    context = grey()
    everything = context.original(context.model.reconstruct(context.seen), mean=True)
    torch.testing.assert_close(context.reconstructed, everything[:7])
    assert len(table().reconstructed) == len(table().raw)
