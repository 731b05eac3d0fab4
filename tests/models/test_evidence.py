from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.models import Evidence


def weights(K: int = 50, B: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(K, B))


def test_numbers_are_those_of_a_calculation_by_hand() -> None:
    log_w = weights()
    w = np.exp(log_w)
    found = Evidence.from_log_weights(torch.tensor(log_w))
    np.testing.assert_allclose(found.log_p, np.log(w.mean(0)), rtol=1e-12)
    np.testing.assert_allclose(found.standard_error, w.std(0, ddof=1) / 50**0.5 / w.mean(0), rtol=1e-10)
    np.testing.assert_allclose(found.effective_samples, w.sum(0) ** 2 / (w**2).sum(0), rtol=1e-10)
    assert found.num_samples == 50
    assert found.estimator == "importance sampling, K = 50"


@pytest.mark.parametrize("offset", [-1e5, -1e3, 1e3])
def test_nothing_overflows_however_small_the_weights(offset: float) -> None:
    log_w = torch.tensor(weights())
    near, far = Evidence.from_log_weights(log_w), Evidence.from_log_weights(log_w + offset)
    assert torch.allclose(far.log_p - offset, near.log_p, rtol=0, atol=1e-9)
    assert torch.allclose(far.standard_error, near.standard_error, rtol=1e-6)


def test_float32_weights_are_added_in_float64() -> None:
    log_w = torch.full((1_000_00, 1), -800.0)
    assert Evidence.from_log_weights(log_w).log_p.dtype == torch.float64
    assert Evidence.from_log_weights(log_w).log_p.item() == pytest.approx(-800, abs=1e-9)


def test_one_heavy_weight_is_one_effective_sample() -> None:
    log_w = torch.tensor([[0.0], [-1000.0], [-1000.0]])
    found = Evidence.from_log_weights(log_w)
    assert found.effective_samples.item() == pytest.approx(1)
    assert found.standard_error.item() == pytest.approx(1)  # w = (1, 0, 0): sd / sqrt(3) / mean
    equal = Evidence.from_log_weights(torch.full((5, 2), -3.0))
    assert torch.allclose(equal.effective_samples, torch.full((2,), 5.0).double())
    assert (equal.standard_error < 1e-7).all()


def test_a_closed_form_has_nothing_to_be_uncertain_of() -> None:
    found = Evidence.exact(torch.tensor([-3.0, -4.0]))
    assert found.log_p.dtype == torch.float64
    assert (found.standard_error == 0).all()
    assert found.effective_samples.isinf().all()
    assert found.estimator == "exact"
