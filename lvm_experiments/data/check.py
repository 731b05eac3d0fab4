"""Are the data what they say they are? Asked once, when they are loaded."""

from __future__ import annotations

__all__ = ["check", "fault"]

from math import inf

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.data.data import Data
from lvm_experiments.data.split import Split
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec, categories

NUMBERS = {"binary": (0, 1), "counts": (0, inf), "positive": (0, inf), "real": (-inf, inf)}
"""The range of a table's columns that hold numbers."""


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


def fault(x: Tensor, spec: DataSpec, observed: Tensor | None = None) -> str:
    """What of observations cannot be, in a few words; empty where they are what their space has.

    Arguments:
        x: The observations, shape `(B, *shape)`; of countable spaces also as floating numbers.
        spec: What is known of the data they are said to be of.
        observed: True where a cell was observed, broadcasting against x; what stands elsewhere may be anything.

    Example:
        >>> fault(torch.tensor([[0.0, 2.5]]), DataSpec("bytes", (2,), levels=17))
        'values from 0 to 2.5 where 17 levels are integers from 0 to 16'
    """
    if tuple(x.shape[1:]) != spec.shape:
        return f"examples of shape {tuple(x.shape[1:])} where {spec.shape} was expected"
    seen = x if observed is None else x[observed.expand_as(x)]
    if not seen.numel():
        return ""
    if seen.is_floating_point() and not torch.isfinite(seen).all():
        return "NaN or infinite values"
    return _bad_column(x, observed, spec) if spec.space == "mixed" else _out_of_support(seen, spec)


def _fault(split: Split, spec: DataSpec) -> str:
    if spec.space == "mixed" and len(spec.columns) != spec.dims:
        return f"types of {len(spec.columns)} columns for examples of shape {spec.shape}"
    if spec.space == "bytes" and split.x.is_floating_point():
        return f"{split.x.dtype} where {spec.levels} levels are integers"
    observed = Batch(split.x, mask=split.mask, lengths=split.lengths).observed
    return fault(split.x, spec, observed) or _bad_labels(split, spec)


def _out_of_support(x: Tensor, spec: DataSpec) -> str:
    low, high = (float(value) for value in x.aminmax())
    found = f"values from {low:g} to {high:g}"
    whole = not x.is_floating_point() or bool((x == x.round()).all())
    if spec.space == "binary" and not (whole and low >= 0 and high <= 1):
        return f"{found} where binary data are 0 or 1"
    if spec.space == "bytes" and not (whole and low >= 0 and high < spec.levels):
        return f"{found} where {spec.levels} levels are integers from 0 to {spec.levels - 1}"
    if spec.space == "tokens" and not (whole and low >= 0 and high < spec.levels):
        return f"{found} where tokens are integers from 0 to {spec.levels - 1}"
    if spec.space == "counts" and not (whole and low >= 0):
        return f"{found} where counts are whole numbers from 0"
    if spec.space == "unit" and (low < 0 or high > 1):
        return f"{found} where unit data lie between 0 and 1"
    return ""


def _bad_column(table: Tensor, observed: Tensor | None, spec: DataSpec) -> str:
    for d, kind in enumerate(spec.columns):
        n = categories(kind)
        if not n and kind not in NUMBERS:
            return f"column {d} of a type {kind!r}, which is none of {', '.join(NUMBERS)} and categorical(n)"
        x = table[:, d] if observed is None else table[:, d][observed.expand_as(table)[:, d]]
        if not x.numel():
            continue
        low, high = (float(value) for value in x.aminmax())
        top = n - 1 if n else NUMBERS[kind][1]
        whole = bool(n) or kind in ("binary", "counts")
        low_enough = low > 0 if kind == "positive" else low >= (0 if n else NUMBERS[kind][0])
        if not low_enough or high > top or (whole and not (x == x.round()).all()):
            return f"values from {low:g} to {high:g} in column {d}, said to be {kind},"
    return ""


def _bad_labels(split: Split, spec: DataSpec) -> str:
    if split.label is None:
        return ""
    if len(split.label) != len(split):
        return f"{len(split.label)} labels for {len(split)} examples"
    low, high = (int(value) for value in split.label.aminmax())
    if low < -1 or high >= spec.classes:  # -1: not known
        return f"labels from {low} to {high} where {spec.classes} classes were expected"
    return ""
