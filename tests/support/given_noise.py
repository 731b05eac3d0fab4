"""Uniform noise that a test chooses, to reach values that are drawn once in 16 million."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class given_uniform(TorchFunctionMode):  # noqa: N801 - used like torch.no_grad
    """Inside, `torch.rand` gives this number everywhere, or these ones."""

    def __init__(self, u: float | Tensor) -> None:
        super().__init__()
        self.u = torch.as_tensor(u)

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.rand:
            shape = args[0] if isinstance(args[0], Sequence) else args
            dtype = (kwargs or {}).get("dtype") or torch.get_default_dtype()
            return self.u.to(dtype).expand(shape).clone()
        return func(*args, **(kwargs or {}))
