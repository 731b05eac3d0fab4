"""Numbers with as many digits as they deserve."""

from __future__ import annotations

__all__ = ["significant", "with_error"]

import math

_DIGITS = 4  # of a number whose error is not known
_ERROR_DIGITS = 2
_DECIMALS = 6  # at most; smaller numbers are written as powers of ten


def significant(value: float, digits: int = _DIGITS) -> str:
    """A number with so many significant digits; a whole one with all of its own.

    Example:
        >>> [significant(v) for v in (0.012345, 98.7654, 12345.6, 12.0, float("nan"))]
        ['0.01235', '98.77', '12346', '12', 'nan']
    """
    if not math.isfinite(value) or value == int(value):
        return f"{value:.0f}"
    return _fixed(value, _decimals(value, digits))


def with_error(value: float, error: float | None) -> tuple[str, str]:
    """A number and its error, both to the second significant digit of the error.

    Arguments:
        value: The number.
        error: Its error; the second word is empty where it is not known.

    Example:
        >>> with_error(-98.7654, 0.2345)
        ('-98.77', '0.23')
        >>> with_error(1234.5, 67.8)
        ('1234', '68')
        >>> with_error(98.7654, None)
        ('98.77', '')
    """
    if error is None or not math.isfinite(error):
        return significant(value), "" if error is None else f"{error}"
    if error == 0 or not math.isfinite(value):
        return significant(value), significant(error, _ERROR_DIGITS)
    decimals = _decimals(error, _ERROR_DIGITS)
    return _fixed(value, decimals), _fixed(error, decimals)


def _decimals(value: float, digits: int) -> int:
    # Of the rounded number: 0.0996 to two digits is 0.10.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return digits - 1 - exponent


def _fixed(value: float, decimals: int) -> str:
    if decimals <= _DECIMALS:
        return f"{value:.{max(decimals, 0)}f}"
    exponent = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(decimals + exponent, 0)}e}"
