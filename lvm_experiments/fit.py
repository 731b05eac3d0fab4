"""Whether the parts of an experiment fit together: built on the meta device, which has shapes and no numbers."""

from __future__ import annotations

__all__ = ["refusal", "refuse_unfit"]

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from lvm_experiments.configuration import instantiate
from lvm_experiments.data import DataSet
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec


def refuse_unfit(config: Mapping[str, Any]) -> None:
    """Refuses parts that cannot go together before anything is written, read or fetched, where that can be known.

    Of data whose shape only their files tell, nothing is known: the run itself refuses what does not fit.

    Arguments:
        config: Composed and checked.

    Raises:
        RequestError: Why not, and what can.
    """
    dataset: DataSet = instantiate(config["data"], "data", config["allow_targets"])
    if dataset.outline is None:
        return
    # How many examples there are is not known either; every rule that asks wants one at least.
    found = refusal(config, dataset.outline.replace(size=1))
    if found is not None:
        raise found


def refusal(config: Mapping[str, Any], spec: DataSpec) -> RequestError | None:
    """Why observation map, model and objective cannot go together on such data; None where they can.

    Only a refusal counts. Whatever else goes wrong, the run itself will meet and report.

    Arguments:
        config: Composed and checked.
        spec: What is known of the data.
    """
    allow = config["allow_targets"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            observation = instantiate(config["observation"], "observation", allow)(spec)
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
        return error
    except Exception:  # noqa: BLE001 - no verdict: not every part can be built without numbers
        return None
    return None
