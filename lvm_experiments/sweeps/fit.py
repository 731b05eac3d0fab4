"""Whether the parts of jobs fit together, and the data they ask for are there."""

from __future__ import annotations

__all__ = ["refusals"]

import json
import warnings
from collections.abc import Iterable
from typing import Any

from lvm_experiments.configuration import instantiate
from lvm_experiments.errors import RequestError
from lvm_experiments.fit import refusal
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.spec import DataSpec

_PARTS = ("data", "observation", "model", "objective", "evaluation")


def refusals(folders: Iterable[str]) -> dict[str, str]:
    """Why jobs cannot be run, for those that cannot: each combination of parts is tried once, each data set read once.

    Only a refusal counts. Whatever else goes wrong, the job itself will meet and report.

    Arguments:
        folders: Of the jobs, each with its configuration.
    """
    specs: dict[str, DataSpec] = {}
    known: dict[str, str | None] = {}
    found = {}
    for folder in folders:
        config = RunFolder(folder).read_config()
        key = json.dumps([config[part] for part in _PARTS], sort_keys=True, default=str)
        if key not in known:
            known[key] = _refusal(config, specs)
        reason = known[key]
        if reason is not None:
            found[folder] = reason
    return found


def _refusal(config: dict[str, Any], specs: dict[str, DataSpec]) -> str | None:
    data = json.dumps(config["data"], sort_keys=True, default=str)
    try:
        if data not in specs:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                specs[data] = instantiate(config["data"], "data", config["allow_targets"]).load().spec
    except RequestError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - no verdict: the job itself will meet it and report
        return None
    found = refusal(config, specs[data])
    return None if found is None else str(found)
