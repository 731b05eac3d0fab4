from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.data import Data, Split
from lvm_experiments.data.incomplete import hide_cells
from lvm_experiments.evaluation import Evaluation
from lvm_experiments.measure import measure_splits
from lvm_experiments.observations import Identity
from tests.support.linear_gaussian import LinearGaussian


@pytest.mark.usefixtures("float64")
def test_the_error_of_hidden_cells_is_that_of_the_exact_conditional_mean() -> None:
    """The linear normal model's own draws, a third of whose cells are hidden."""
    torch.manual_seed(0)
    fixture = LinearGaussian.make(0.25)
    model = fixture.model_with_prior_as_posterior()
    x = fixture.simulate(300)
    split = hide_cells(Split(x), 1 / 3, seed=0)
    data = Data("own", model.spec, split, split, split)
    evaluation = Evaluation(num_samples=2000, max_examples=None, splits=["test"], chunk=500)
    numbers, _ = measure_splits(evaluation, model, Identity(model.spec), data, ["test"])
    (found,) = [m for m in numbers if m.name == "test/imputation_error"]
    squares, cells = [], 0
    b, covariance = fixture.b, fixture.covariance
    for row, mask in zip(x.numpy(), split.mask.numpy(), strict=True):
        gain = covariance[np.ix_(~mask, mask)] @ np.linalg.inv(covariance[np.ix_(mask, mask)])
        guess = b[~mask] + gain @ (row[mask] - b[mask])
        squares.append(((guess - row[~mask]) ** 2).sum())
        cells += int((~mask).sum())
    assert found.value == pytest.approx(sum(squares) / cells, rel=0.02)
    assert found.standard_error == pytest.approx(np.std(squares) * len(squares) ** 0.5 / cells, rel=0.3)
    assert found.unit == "squared units"


@pytest.mark.usefixtures("float64")
def test_nothing_is_asked_where_nothing_was_hidden() -> None:
    model = LinearGaussian.make(0.25).model_with_prior_as_posterior()
    with torch.no_grad():
        x = model.sample(20)
    data = Data("own", model.spec, Split(x), Split(x), Split(x))
    numbers, _ = measure_splits(Evaluation(num_samples=5, splits=["test"]), model, Identity(model.spec), data, ["test"])
    assert "test/imputation_error" not in {m.name for m in numbers}
