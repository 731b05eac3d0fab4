"""How a search goes about it: what `conf/hparams_search/*.yaml` holds, checked."""

from __future__ import annotations

__all__ = ["SearchSettings", "read_settings"]

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from pydantic import TypeAdapter

from lvm_experiments.configuration.values import check_against
from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.types import NonNegativeInt, PositiveInt

_WHERE = "hparams_search"


@dataclass(frozen=True)
class SearchSettings:
    """The keys of `conf/hparams_search/optuna.yaml`; it explains them."""

    n_trials: PositiveInt
    slots: PositiveInt
    seed: NonNegativeInt
    sampler: Literal["tpe", "random"]
    pruner: Literal["median", "none"]
    startup_trials: NonNegativeInt
    warmup_epochs: NonNegativeInt
    params: dict[str, str | int | float | bool]


def read_settings(node: object) -> SearchSettings:
    """Reads the settings of a search.

    Arguments:
        node: What stands under `hparams_search`.

    Raises:
        RequestError: For a key that is unknown or missing, or a value that cannot be.
    """
    if not isinstance(node, Mapping):
        raise RequestError("there is no search in the configuration", where=_WHERE, hint="write hparams_search=optuna")
    hints = get_type_hints(SearchSettings, include_extras=True)
    names = [field.name for field in dataclasses.fields(SearchSettings)]
    for key in node:
        if key not in names:
            meant = nearest(str(key), names)
            hint = f"did you mean {_WHERE}.{meant}?" if meant else f"valid here: {', '.join(names)}"
            raise RequestError("no such key", where=f"{_WHERE}.{key}", hint=hint)
    values: dict[str, Any] = {}
    for name in names:
        if name not in node:
            raise RequestError("a value is missing", where=f"{_WHERE}.{name}")
        check_against(node[name], TypeAdapter(hints[name]), f"{_WHERE}.{name}")
        values[name] = node[name]
    return SearchSettings(**values)
