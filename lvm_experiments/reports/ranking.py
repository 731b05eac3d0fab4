"""Which rows may be ranked against each other, and which of them is best."""

from __future__ import annotations

__all__ = ["RANKING", "best_of", "ranked"]

import json
from collections.abc import Mapping, Sequence

from lvm_experiments.reports.rows import Column, Row

RANKING = "val"
"""The split that ranks; test is looked at, never chosen by."""

_DRAWS = 2  # the place of the number of draws in a basis


def ranked(rows: Sequence[Row], column: Column, split: str) -> dict[str, tuple[int, ...]]:
    """The numbers of rows that may be ranked, best first, by a name of what they were measured on.

    Ranked are numbers of one observation space and the same data, over as many examples and draws, and finite ones.
    A number without draws is exact, and ranked with those of any number of draws: it is in each of their groups.

    Arguments:
        rows: The rows.
        column: The metric; one without a direction ranks nothing.
        split: The split that is shown, which has to be comparable as well.
    """
    if column.higher_is_better is None:
        return {}
    found: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(rows):
        ranking, shown = (row.cells.get(f"{name}/{column.metric}") for name in (RANKING, split))
        if ranking is None or shown is None or not ranking.values or ranking.not_finite or shown.not_finite:
            continue
        if ranking.basis is not None and shown.basis is not None:
            found.setdefault((*ranking.basis, *shown.basis), []).append(number)
    found = _with_exact(found)
    sign = -1 if column.higher_is_better else 1
    named: dict[str, tuple[int, ...]] = {}
    for basis, members in found.items():
        name = str(basis[0])
        if sum(str(other[0]) == name for other in found) > 1:
            name += f", {len(named) + 1}: {_told(basis)}"
        mean = {number: rows[number].cells[f"{RANKING}/{column.metric}"].mean for number in members}
        named[name] = tuple(sorted(members, key=lambda number: sign * mean[number]))
    return named


def _with_exact(found: Mapping[tuple[object, ...], list[int]]) -> dict[tuple[object, ...], list[int]]:
    """The rows by basis, those of exact numbers among estimates that agree in all else."""
    exact = {basis for basis in found if not any(_draws(basis))}
    joined = {basis: list(members) for basis, members in found.items()}
    for alone in exact:
        estimated = [basis for basis in found if basis not in exact and _but_draws(basis) == _but_draws(alone)]
        for basis in estimated:
            joined[basis] += found[alone]
        if estimated:
            del joined[alone]
    return joined


def _draws(basis: tuple[object, ...]) -> tuple[object, object]:
    half = len(basis) // 2
    return basis[_DRAWS], basis[half + _DRAWS]


def _but_draws(basis: tuple[object, ...]) -> tuple[object, ...]:
    half = len(basis) // 2
    return tuple(part for place, part in enumerate(basis) if place % half != _DRAWS)


def _told(basis: tuple[object, ...]) -> str:
    half = len(basis) // 2
    _, examples, samples, soft, data = basis[half:]
    words = [f"{examples} examples"] + ([f"K = {samples}"] if samples else []) + (["soft targets"] if soft else [])
    target = json.loads(str(data))[0].get("_target_", "") if data else ""
    return ", ".join([*words, *filter(None, [str(target).rpartition(".")[2]])])


def best_of(rows: Sequence[Row], column: Column, groups: Mapping[str, tuple[int, ...]]) -> frozenset[int]:
    """The numbers of the rows that are first in a group of several, and of what equals them."""
    best = set()
    for members in groups.values():
        means = [rows[number].cells[f"{RANKING}/{column.metric}"].mean for number in members]
        if len(members) > 1 and means[0] != means[-1]:
            best |= {number for number, mean in zip(members, means, strict=True) if mean == means[0]}
    return frozenset(best)
