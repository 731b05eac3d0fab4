from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvm_experiments.reports.significant import significant, with_error


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (98.7654, 0.2345, ("98.77", "0.23")),
        (98.7654, 0.0996, ("98.77", "0.10")),  # rounded up to the next power of ten
        (98.7654, 0.00996, ("98.765", "0.010")),
        (1234.56, 67.8, ("1235", "68")),
        (1234.56, 678.0, ("1235", "678")),
        (-0.0001234, 0.0000567, ("-0.000123", "0.000057")),
        (1.2346e-9, 5.6e-11, ("1.235e-09", "5.6e-11")),
        (0.0, 0.02, ("0.000", "0.020")),
        (12.0, None, ("12", "")),
        (12.3456, None, ("12.35", "")),
        (12.3456, 0.0, ("12.35", "0")),
        (12.3456, math.nan, ("12.35", "nan")),
        (math.nan, 0.1, ("nan", "0.10")),
        (-math.inf, None, ("-inf", "")),
    ],
)
def test_a_number_has_the_digits_its_error_leaves(value: float, error: float | None, expected: tuple[str, str]) -> None:
    assert with_error(value, error) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e3))
def test_rounding_costs_less_than_a_tenth_of_the_error(value: float, error: float) -> None:
    shown, shown_error = with_error(value, error)
    assert abs(float(shown) - value) <= 0.051 * error + 0.5 * (error > 99.4) + 1e-9 * abs(value)
    assert float(shown_error) == pytest.approx(error, rel=0.051)


def test_whole_numbers_keep_all_their_digits() -> None:
    assert significant(123456789.0) == "123456789"
    assert significant(0.0) == "0"
    assert significant(-3) == "-3"
