"""One run, as far as reports want to know it: read from its folder, importing no model."""

from __future__ import annotations

__all__ = ["Number", "Run", "read_run"]

import csv
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import yaml

from lvm_experiments.configuration.keys import lookup
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import METRICS
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.status import read_status

# libyaml reads the configurations of 200 runs in half a second, the Python loader in three.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NO_CHANGES = hashlib.sha256(b"").hexdigest()  # the hash of an empty diff


@dataclass(frozen=True, slots=True)
class Number:
    """A record of results.json; the fields are those of a `Measurement`.

    Arguments:
        name: `split/metric`.
        value: The number; it may be infinite or NaN.
        unit: Its unit.
        space: The space it was measured in.
        split: The split.
        examples: How many examples it is over.
        num_samples: Monte Carlo draws; None where there were none.
        estimator: How it was found.
        standard_error: Over examples; None for what is no mean.
        higher_is_better: Its direction; None where neither is better.
    """

    name: str
    value: float
    unit: str
    space: str
    split: str
    examples: int
    num_samples: int | None
    estimator: str
    standard_error: float | None
    higher_is_better: bool | None

    @property
    def metric(self) -> str:
        """The name without the split."""
        return self.name.rpartition("/")[2]

    @property
    def basis(self) -> tuple[object, ...]:
        """What has to agree before two numbers of one metric may be ranked, but for the data."""
        return self.space, self.examples, self.num_samples, "soft targets" in self.estimator


@dataclass(frozen=True)
class Run:
    """A run.

    Arguments:
        folder: Its folder.
        name: What to call it: the folder's path from where it was found.
        point: The swept values, without the seed.
        seed: Its seed; None where nothing says.
        config: What is run; empty where it cannot be read.
        status: What status.json says, `stale` told apart.
        numbers: The final numbers by name; empty until the run is completed.
        facts: Facts of the model, from results.json.
    """

    folder: RunFolder
    name: str
    point: Mapping[str, Any]
    seed: int | None
    config: Mapping[str, Any]
    status: Mapping[str, Any]
    numbers: Mapping[str, Number] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """One of `runs.STATES`."""
        return str(self.status.get("state", "queued"))

    @property
    def completed(self) -> bool:
        """Whether its numbers are final."""
        return self.state == "completed" and bool(self.numbers)

    @property
    def reason(self) -> str:
        """Why it is not completed, in a line; empty where nothing is to be said."""
        return " ".join(str(self.status.get("reason") or "").split())

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took, or has taken until its last sign of life."""
        start, end = self.status.get("started"), self.status.get("finished") or self.status.get("heartbeat")
        try:
            return (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
        except ValueError:
            return None

    @property
    def commit(self) -> str:
        """Which code: the commit and the hash of what was changed; empty where nothing says."""
        git = self.status.get("git")
        if not isinstance(git, Mapping) or not git.get("commit"):
            return ""
        changed = git.get("diff_sha256")
        return str(git["commit"])[:10] + (f" + {str(changed)[:8]}" if changed and changed != _NO_CHANGES else "")

    @cached_property
    def history(self) -> dict[str, list[tuple[float, float]]]:
        """The history of training by metric: (epoch, counted from 1; value) pairs, finite ones only."""
        try:
            with self.folder.metrics.open(newline="", encoding="utf-8") as file:
                lines = list(csv.reader(file))
        except (OSError, UnicodeDecodeError, csv.Error):
            return {}
        header = lines[0] if lines else []
        if "epoch" not in header:
            return {}
        place = header.index("epoch")
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in header if "/" in name}
        for line in lines[1:]:
            # A torn last line, or the row of the final numbers, which is of no epoch.
            if len(line) != len(header) or not line[place]:
                continue
            epoch = _float(line[place]) + 1
            for name, cell in zip(header, line, strict=True):
                if name in found and cell and math.isfinite(value := _float(cell)):
                    found[name].append((epoch, value))
        return {name: pairs for name, pairs in found.items() if pairs}

    @property
    def monitor(self) -> str:
        """The validation metric that picked its best checkpoint; the usual one where nothing says."""
        return str(self.facts.get("monitor") or self.config.get("monitor") or "val/elbo")

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, whose state was measured; None where it is not known.

        That in which the monitored metric was best, or the last one where a run asked for it.
        """
        if lookup(self.config, ("callbacks", "checkpoint", "latest")) is True:
            return int(max((pairs[-1][0] for pairs in self.history.values()), default=0)) or None
        pairs, metric = self.history.get(self.monitor), METRICS.get(self.monitor.rpartition("/")[2])
        if not pairs or metric is None or metric.higher_is_better is None:
            return None
        best = max(pairs, key=lambda pair: pair[1] if metric.higher_is_better else -pair[1])
        return int(best[0])


def read_run(folder: RunFolder, name: str, point: Mapping[str, Any] | None = None) -> Run:
    """Reads what there is of a run; what is not there yet, or is damaged, is left empty and told as the reason.

    Arguments:
        folder: The run's folder.
        name: What to call it.
        point: The swept values with the seed; None where nothing tells them.
    """
    config, troubles = _config(folder)
    status: dict[str, Any] = {}
    if folder.status.exists():
        try:
            status = read_status(folder)
        except (RequestError, KeyError, TypeError, ValueError) as error:
            status = {"state": "failed"}
            troubles.append(f"status.json cannot be read ({error})")
    elif folder.results.exists():
        status = {"state": "completed"}  # numbers copied without the rest of their run
    numbers: dict[str, Number] = {}
    facts: Mapping[str, Any] = {}
    if status.get("state") == "completed":
        try:
            numbers, facts = _results(folder)
        except FileNotFoundError:
            troubles.append("there is no results.json")
        except (OSError, ValueError, KeyError, TypeError) as error:
            troubles.append(f"results.json cannot be read ({type(error).__name__}: {error})")
    if troubles:
        status = {**status, "reason": "; ".join([*filter(None, [status.get("reason")]), *troubles])}
    values = dict(point or {})
    seed = values.pop("seed", config.get("seed"))
    return Run(folder, name, values, seed if isinstance(seed, int) else None, config, status, numbers, facts)


def _config(folder: RunFolder) -> tuple[dict[str, Any], list[str]]:
    try:
        content = yaml.load(folder.config.read_bytes(), Loader=_LOADER)  # a safe loader, see above
    except FileNotFoundError:
        return {}, []
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        return {}, [f"config.yaml cannot be read ({type(error).__name__})"]
    return (content, []) if isinstance(content, dict) else ({}, ["config.yaml holds no configuration"])


def _results(folder: RunFolder) -> tuple[dict[str, Number], Mapping[str, Any]]:
    content = json.loads(folder.results.read_bytes())
    numbers = {}
    for name, record in content["measurements"].items():
        # What JSON has no word for stands beside the null that it left.
        whole = record | {key: float(word) for key, word in record.get("non_finite", {}).items()}
        error = whole.get("standard_error")
        numbers[name] = Number(
            name=name,
            value=float(whole["value"]),
            unit=str(whole["unit"]),
            space=str(whole["space"]),
            split=str(whole["split"]),
            examples=int(whole["examples"]),
            num_samples=whole.get("num_samples"),
            estimator=str(whole.get("estimator", "")),
            standard_error=None if error is None else float(error),
            higher_is_better=whole.get("higher_is_better"),
        )
    facts = content.get("model")
    return numbers, facts if isinstance(facts, dict) else {}


def _float(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
