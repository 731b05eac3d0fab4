"""Whether the parts of jobs fit together: built on the meta device, which has shapes and no numbers."""

from __future__ import annotations

__all__ = ["refusals"]

import json
import warnings
from collections.abc import Iterable
from typing import Any

import torch

from lvm_experiments.configuration import instantiate
from lvm_experiments.errors import RequestError
from lvm_experiments.runs.folder import RunFolder

_PARTS = ("data", "observation", "model", "objective", "evaluation")


def refusals(folders: Iterable[str]) -> dict[str, str]:
    """Why jobs cannot be run, for those that cannot: each combination of parts is tried once, each data set read once.

    Only a refusal counts. Whatever else goes wrong, the job itself will meet and report.

    Arguments:
        folders: Of the jobs, each with its configuration.
    """
    specs: dict[str, Any] = {}
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


def _refusal(config: dict[str, Any], specs: dict[str, Any]) -> str | None:
    allow = config["allow_targets"]
    data = json.dumps(config["data"], sort_keys=True, default=str)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data not in specs:
                specs[data] = instantiate(config["data"], "data", allow).load().spec
            observation = instantiate(config["observation"], "observation", allow)(specs[data])
            objective = instantiate(config["objective"], "objective", allow)
            part = instantiate(config["model"], "model", allow)
            with torch.device("meta"):
                try:
                    model = part(observation.spec)
                except NotImplementedError:  # of an operation that torch has with numbers only: masks of flows
                    with torch.device("cpu"):
                        model = part(observation.spec)
                objective.bind(model)
            objective.check(model)
    except RequestError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - no verdict: not every part can be built without numbers
        return None
    return None
