"""Are the data what they say they are? Asked once, when they are loaded."""

from __future__ import annotations

__all__ = ["check"]

import torch
from torch import Tensor

from lvm_experiments.data.data import Data
from lvm_experiments.data.split import Split
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec


def check(data: Data) -> None:
    """Refuses splits that are empty, of another shape, or with values their space does not have.

    Streamed splits are checked as they are read.

    Arguments:
        data: What a data set read.

    Raises:
        RequestError: One line that names data set, split and fault.
    """
    for name in ("train", "val", "test"):
        split = data.split(name)
        if len(split) == 0:
            raise RequestError(f"the {name} split has no examples", where=f"data ({data.name})")
        if isinstance(split, Split):
            fault = _fault(split, data.spec)
            if fault:
                raise RequestError(f"{fault} in the {name} split", where=f"data ({data.name})")


def _fault(split: Split, spec: DataSpec) -> str:
    x = split.x
    if tuple(x.shape[1:]) != spec.shape:
        return f"examples of shape {tuple(x.shape[1:])} where {spec.shape} was expected"
    if split.mask is not None:
        x = x[split.mask.expand_as(x)]  # a missing cell may hold anything
    if x.is_floating_point() and not torch.isfinite(x).all():
        return "NaN or infinite values"
    low, high = x.aminmax() if x.numel() else (torch.zeros(()), torch.zeros(()))
    return _out_of_support(x, float(low), float(high), spec) or _bad_labels(split, spec)


def _out_of_support(x: Tensor, low: float, high: float, spec: DataSpec) -> str:
    found = f"values from {low:g} to {high:g}"
    whole = not x.is_floating_point()
    if spec.space == "binary" and (low < 0 or high > 1 or not (whole or (x == x.round()).all())):
        return f"{found} where binary data are 0 or 1"
    if spec.space == "bytes" and (not whole or low < 0 or high >= spec.levels):
        return f"{found} where {spec.levels} levels are integers from 0 to {spec.levels - 1}"
    if spec.space == "unit" and (low < 0 or high > 1):
        return f"{found} where unit data lie between 0 and 1"
    return ""


def _bad_labels(split: Split, spec: DataSpec) -> str:
    if split.label is None:
        return ""
    if len(split.label) != len(split):
        return f"{len(split.label)} labels for {len(split)} examples"
    low, high = (int(value) for value in split.label.aminmax())
    if low < 0 or high >= spec.classes:
        return f"labels from {low} to {high} where {spec.classes} classes were expected"
    return ""
