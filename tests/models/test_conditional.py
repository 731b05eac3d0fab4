from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import ConditionalVAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec

LABELLED = DataSpec("binary", (4,), levels=2, classes=3)


def build(spec: DataSpec = LABELLED, **changes: Any) -> ConditionalVAE:
    parts = {
        "latent_dim": 2,
        "encoder": partial(MLPEncoder, hidden=[8]),
        "posterior": DiagonalNormalPosterior,
        "prior": StandardNormalPrior,
        "decoder": partial(MLPDecoder, hidden=[8]),
        "likelihood": BernoulliLikelihood,
    }
    return ConditionalVAE(spec, **(parts | changes))


def test_what_it_says_of_x_depends_on_the_label() -> None:
    model = build()
    x = torch.ones(3, 4)
    batches = [Batch(x, label=torch.full((3,), label), index=torch.arange(3)) for label in range(3)]
    found = torch.stack([model.evidence(b, 50, seed=0).log_p for b in batches])
    assert (found.std(0) > 1e-3).all()
    explicit = Batch(x, condition=torch.eye(3)[[1, 1, 1]], index=torch.arange(3))
    assert torch.equal(model.evidence(explicit, 50, seed=0).log_p, found[1])


def test_drawn_from_it_goes_through_the_classes() -> None:
    model = build()
    with torch.no_grad():
        # A decoder that says which class it was given.
        last = model.decoder.layers[-1]
        torch.nn.init.zeros_(last.weight)
        first = model.decoder.layers[0]
        first.weight.zero_()
        first.weight[0, -1] = 50.0
        last.weight[:, 0] = 50.0
        last.bias.fill_(-25.0)
        first.bias.zero_()
    drawn = model.sample(7)
    assert drawn.mean(-1).tolist() == [0, 0, 1, 0, 0, 1, 0]
    assert model.decode({"z": torch.zeros(3, 2)}).round().mean(-1).tolist() == [0, 0, 1]
    assert model.sample(5, torch.eye(3)).shape == (5, 3, 4)


def test_an_example_whose_label_nobody_knows_has_no_class() -> None:
    condition = build().condition_of(Batch(torch.ones(2, 4), label=torch.tensor([-1, 2])))
    assert condition.tolist() == [[0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("spec", "text"), [(LABELLED.replace(classes=0), "have none"), (LABELLED.replace(condition=2), "of their own")]
)
def test_data_it_cannot_be_of_are_refused(spec: DataSpec, text: str) -> None:
    with pytest.raises(RequestError, match=f"^model: .*{text}.*; choose another model="):
        build(spec)


def test_examples_without_labels_are_missed() -> None:
    with pytest.raises(ValueError, match="these examples have none"):
        build().encode(torch.ones(2, 4))
