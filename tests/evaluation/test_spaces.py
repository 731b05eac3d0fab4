"""Counts and tables: what is reported of them, and under which name."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import Evaluation, Measurement
from lvm_experiments.likelihoods import (
    HeterogeneousLikelihood,
    MultinomialLikelihood,
    PoissonLikelihood,
)
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import Identity
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import example_of

pytestmark = pytest.mark.usefixtures("float64")
COUNTS = DataSpec("counts", (4,))
TABLE = DataSpec("mixed", (4,), columns=("real", "categorical(3)", "counts", "binary"))


def measured(
    spec: DataSpec, likelihood: type, x: Tensor, mask: Tensor | None = None
) -> tuple[VAE, dict[str, Measurement]]:
    parts = partial(MLPEncoder, hidden=[5]), partial(MLPDecoder, hidden=[5])
    model = VAE(spec, 2, parts[0], DiagonalNormalPosterior, StandardNormalPrior, parts[1], likelihood)
    batch = Batch(x, mask=mask, index=torch.arange(len(x)))
    report = Evaluation(num_samples=4, chunk=4, seed=0).measure(model, Identity(spec), [batch], "test")
    return model, {m.name.removeprefix("test/"): m for m in report.measurements}


def test_a_density_given_something_of_x_is_in_a_space_of_its_own() -> None:
    x = example_of(COUNTS, 9)
    kinds = {
        "counts": PoissonLikelihood,
        "counts, given its total": MultinomialLikelihood,
        "counts, given its total as size": partial(PoissonLikelihood, size="observed"),
    }
    for space, kind in kinds.items():
        found = measured(COUNTS, kind, x)[1]  # type: ignore[arg-type]
        assert {found[name].space for name in ("nll", "elbo", "distortion")} == {space}
        assert found["reconstruction_error"].space == "counts"
        assert ("not a log-likelihood" in found["nll"].estimator) == ("as size" in space)
        assert "soft targets" not in found["nll"].estimator
        assert "bits_per_dim" not in found


def test_the_reconstruction_of_a_table_is_judged_by_its_numbers() -> None:
    x = example_of(TABLE, 9)
    mask = torch.rand(9, 4) < 0.6
    mask[0] = torch.tensor([False, True, False, False])  # a category is all there is
    model, found = measured(TABLE, HeterogeneousLikelihood, x, mask)
    guess = model.reconstruct(Batch(x, mask=mask))
    seen = mask & torch.tensor([True, False, True, True])
    error = torch.where(seen, (guess - x) ** 2, 0.0).sum(1)[1:] / seen.sum(1)[1:]
    assert found["reconstruction_error"].value == pytest.approx(error[seen[1:].any(1)].mean().item(), rel=1e-9)


def test_a_table_of_categories_only_has_no_squared_error() -> None:
    spec = DataSpec("mixed", (2,), columns=("categorical(3)", "categorical(2)"))
    found = measured(spec, HeterogeneousLikelihood, example_of(spec, 6))[1]
    assert "nll" in found
    assert "reconstruction_error" not in found
