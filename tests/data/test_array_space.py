from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.data.array_space import to_space
from lvm_experiments.errors import RequestError

BITS = np.array([[0, 1], [1, 1]])
BYTES = np.array([[0, 255]], dtype=np.uint8)


@pytest.mark.parametrize(
    ("x", "stated", "expected"),
    [
        (BITS.astype(bool), {}, ("binary", 2, torch.uint8)),
        (BITS.astype(np.uint8), {}, ("binary", 2, torch.uint8)),
        (BITS.astype(np.float64), {}, ("binary", 2, torch.uint8)),
        (BITS, {"levels": 17}, ("bytes", 17, torch.uint8)),
        (BITS, {"space": "bytes"}, ("bytes", 256, torch.uint8)),
        (BITS.astype(float), {"space": "unit"}, ("unit", 0, torch.float32)),
        (BYTES, {}, ("bytes", 256, torch.uint8)),
        (BYTES, {"space": "real"}, ("real", 0, torch.float32)),
        (np.array([[0, 16]]), {"levels": 17}, ("bytes", 17, torch.uint8)),
        (np.array([[0.0, 16.0]]), {"levels": 17}, ("bytes", 17, torch.uint8)),
        (np.array([[0.0, 0.5]]), {}, ("unit", 0, torch.float32)),
        (np.array([[0.0, 1.5]]), {}, ("real", 0, torch.float32)),
        (np.array([[-0.1, 0.5]]), {}, ("real", 0, torch.float32)),
        (np.array([[-3, 1000]]), {"space": "real"}, ("real", 0, torch.float32)),
    ],
)
def test_the_space_follows_from_the_values_or_is_stated(
    x: np.ndarray, stated: dict[str, str | int], expected: tuple[str, int, torch.dtype]
) -> None:
    space, levels, tensors = to_space({"x": x}, **stated)  # type: ignore[arg-type]
    assert (space, levels, tensors["x"].dtype) == expected
    np.testing.assert_allclose(tensors["x"].numpy(), x.astype(np.float32))


@pytest.mark.parametrize(
    ("x", "stated", "said"),
    [
        (np.array([[np.nan]]), {}, "x holds NaN"),
        (np.array([[np.inf]]), {"space": "real"}, "x holds NaN or infinite"),
        (np.array([["a"]]), {}, "not numbers"),
        (np.array([[1 + 1j]]), {}, "not numbers"),
        (np.zeros((0, 2)), {}, "is empty"),
        (np.array([[0, 300]]), {"levels": 300}, "300 levels do not fit in 8 bits"),
        (np.array([[0, 17]]), {"levels": 17}, "integers from 0 to 16"),
        (np.array([[0.5, 3]]), {"levels": 17}, "integers from 0 to 16"),
        (np.array([[-1, 3]]), {"space": "bytes"}, "values from -1 to 3"),
        (BYTES, {"space": "binary"}, "binary data are integers from 0 to 1"),
        (BYTES, {"space": "unit"}, "unit data lie between 0 and 1"),
        (BYTES, {"space": "byte"}, "did you mean bytes"),
        (BYTES, {"space": "unit", "levels": 4}, "have no levels"),
        (np.array([[0, 300]]), {}, "is not clear; say data.space="),
        (np.array([[1e300]]), {}, "beyond 32-bit floats"),
    ],
)
def test_what_cannot_be_is_one_line(x: np.ndarray, stated: dict[str, str | int], said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        to_space({"x": x}, **stated)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_all_arrays_are_looked_at_together() -> None:
    assert to_space({"train": BITS.astype(np.uint8), "test": BYTES})[0] == "bytes"
    assert to_space({"train": np.array([[0.5]]), "test": np.array([[2.0]])})[0] == "real"
    with pytest.raises(RequestError, match="not clear"):
        to_space({"train": BYTES, "test": np.array([[0.5]])})
