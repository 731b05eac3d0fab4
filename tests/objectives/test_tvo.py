from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.objectives import TVO, Progress
from tests.objectives.models import Told, discrete, flat, gradients, log_tables, mean_gradient
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")
X = IMAGES[5:6]


def left_sum(model: Told, objective: TVO, x: Tensor) -> Tensor:
    """The left Riemann sum by going through all z, shape `(B,)`."""
    log_joint, log_q = log_tables(model, x)
    log_weight, beta = log_joint - log_q, objective.partition
    values = [(((1 - b) * log_q + b * log_joint).softmax(0) * log_weight).sum(0) for b in beta[:-1]]
    return sum(w * v for w, v in zip(beta.diff(), values, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("pieces", "first", "partition"),
    [(1, 0.1, [0, 1]), (2, 0.1, [0, 0.1, 1]), (3, 0.01, [0, 0.01, 0.1, 1]), (4, 0.125, [0, 0.125, 0.25, 0.5, 1])],
)
def test_the_pieces_are_at_equal_ratios(pieces: int, first: float, partition: list[float]) -> None:
    assert TVO(pieces=pieces, first=first).partition.tolist() == pytest.approx(partition)


def test_one_piece_has_the_gradient_of_the_evidence_lower_bound() -> None:
    """All pairs of draws by their probability, against going through all z."""
    model = discrete()
    found = flat(mean_gradient(TVO(2, pieces=1), model, X, 2))
    log_joint, log_q = log_tables(model, X)
    truth = -(log_q.exp() * (log_joint - log_q)).sum()
    assert torch.allclose(found, flat(gradients(truth, model)), atol=1e-12)


def test_the_covariance_gradient_is_that_of_the_left_sum() -> None:
    """With 200,000 draws, whose weights are nearly exact."""
    model, objective = discrete(), TVO(20_000, pieces=3, first=0.1)
    truth = flat(gradients(-left_sum(model, objective, X).mean(), model))
    found = [flat(gradients(objective(model, Batch(X), Progress()).loss["model"], model)) for _ in range(10)]
    rows = torch.stack(found)
    error = rows.std(0) / len(rows) ** 0.5
    assert ((rows.mean(0) - truth).abs() < 6 * error + 1e-3 * truth.abs().max()).all()
    assert error.max() < 0.02 * truth.abs().max()
    # Of neither end: the evidence lower bound has another gradient.
    one = flat(gradients(-left_sum(model, TVO(pieces=1), X).mean(), model))
    assert (truth - one).abs().max() > 0.1 * truth.abs().max()


def test_log_p_lies_between_both_sums_and_they_close_in() -> None:
    """Of each image, by quadrature."""
    tiny, gaps = Tiny.make(), []
    for pieces in (1, 2, 8, 30):
        objective = TVO(50_000, pieces=pieces, first=0.03)
        torch.manual_seed(7)
        with torch.no_grad():
            terms = objective(tiny.model, Batch(IMAGES), Progress()).terms
        assert (terms["tvo"] < tiny.log_p).all()
        assert (terms["tvo_upper"] > tiny.log_p).all()
        gaps.append(terms["tvo_upper"] - terms["tvo"])
    assert (torch.stack(gaps).diff(dim=0) < 0).all()
    assert (gaps[-1] < 0.1 * gaps[0]).all()
