"""A little made-up data of every kind, for trying compositions."""

from __future__ import annotations

__all__ = ["KINDS", "small_data"]

from collections.abc import Callable

import torch
from torch import Tensor

from lvm_experiments.data import Data, Split
from lvm_experiments.spec import DataSpec

_SIZES = {"train": 24, "val": 8, "test": 8}
_CLASSES = 3


def _images(channels: int, levels: int) -> tuple[DataSpec, Tensor]:
    n = sum(_SIZES.values())
    shade = torch.linspace(0, 1, 8)[:, None] * torch.linspace(0.2, 1, 8)
    picture = shade * torch.rand(n, channels, 1, 1) + 0.2 * torch.rand(n, channels, 8, 8)
    x = (picture * (levels - 1)).round().clamp(0, levels - 1).to(torch.uint8)
    return DataSpec("bytes", (channels, 8, 8), levels=levels), x


def _numbers() -> Tensor:
    """Correlated normals, shape `(N, 6)`."""
    n = sum(_SIZES.values())
    return torch.randn(n, 2) @ torch.randn(2, 6) + 0.3 * torch.randn(n, 6)


def _mixed() -> tuple[DataSpec, Tensor]:
    z = _numbers()
    x = torch.stack(
        [z[:, 0], z[:, 1].exp(), (z[:, 2] > 0).float(), z[:, 3].exp().round(), (z[:, 4] > 0).float() + (z[:, 5] > 0)], 1
    )
    columns = ("real", "positive", "binary", "counts", "categorical(3)")
    return DataSpec("mixed", (5,), columns=columns), x


def _tokens() -> tuple[DataSpec, Tensor]:
    return DataSpec("tokens", (6,), levels=9), torch.randint(0, 9, (sum(_SIZES.values()), 6))


_MAKERS: dict[str, Callable[[], tuple[DataSpec, Tensor]]] = {
    "images": lambda: _images(1, 17),
    "colour": lambda: _images(3, 8),
    "real": lambda: (DataSpec("real", (6,)), _numbers()),
    "unit": lambda: (DataSpec("unit", (6,)), _numbers().sigmoid()),
    "counts": lambda: (DataSpec("counts", (6,)), torch.poisson(_numbers().exp().clamp_max(20))),
    "mixed": _mixed,
    "tokens": _tokens,
}
KINDS = tuple(_MAKERS)


def small_data(kind: str, *, missing: bool = False, condition: int = 0) -> Data:
    """40 labelled examples, the same at every call.

    Arguments:
        kind: `images`, `colour`, `real`, `unit`, `counts`, `mixed` or `tokens`.
        missing: Whether a third of the cells are.
        condition: The length of a condition; 0 for none.

    Example:
        >>> small_data("counts").spec.space, len(small_data("images").train)
        ('counts', 24)
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        spec, x = _MAKERS[kind]()
        label = torch.arange(len(x)) % _CLASSES
        mask = torch.rand(x.shape) > 1 / 3 if missing else None
        lengths = torch.randint(2, 7, (len(x),)) if kind == "tokens" else None
        conditions = torch.randn(len(x), condition) if condition else None
    whole = Split(x, label, mask, lengths, conditions)
    pieces = torch.arange(len(x)).split(list(_SIZES.values()))
    train, val, test = (whole.select(rows) for rows in pieces)
    numbers = train.x.double()
    spec = spec.replace(
        classes=_CLASSES,
        size=len(train),
        mean=numbers.mean(0).float(),
        std=numbers.std(0, unbiased=False).float(),
        condition=condition,
    )
    return Data(kind, spec, train, val, test)
