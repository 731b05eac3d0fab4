"""Categories: impossible ones, and gradients through straight-through draws."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments.distributions import OneHot, StraightThroughOneHot

pytestmark = pytest.mark.usefixtures("float64")


def test_straight_through_gradients_of_log_p_are_those_of_all_categories() -> None:
    """As of the mean of log p over the relaxed draw: none where p is uniform and log p a constant."""
    raw = torch.randn(5, 3, 4, requires_grad=True)
    z = StraightThroughOneHot(raw, 2).rsample((6,))
    for logits in (torch.zeros(3, 4), torch.randn(3, 4)):
        p = OneHot(logits, 2)
        mine, linear = (
            torch.autograd.grad(of.sum(), raw, retain_graph=True)[0] for of in (p.log_prob(z), z * p.logits)
        )
        assert torch.allclose(mine, linear, atol=1e-12)
        assert (mine.abs().max() > 0.01) == bool(logits.any())


def test_an_impossible_category_costs_nothing_unless_it_is_drawn() -> None:
    logits = torch.tensor([0.0, -torch.inf, 1.0], requires_grad=True)
    log_p = OneHot(logits).log_prob(torch.eye(3))
    assert torch.allclose(log_p[[0, 2]].exp().sum(), torch.ones(()))
    assert log_p[1] == -torch.inf
