"""In what configurations differ."""

from __future__ import annotations

__all__ = ["difference", "differing_keys"]

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import yaml

from lvm_experiments.options import conf_dir

# What may change without another experiment coming of it: where things are, what is told to whom, on what machine.
_ASIDE = (
    "seed",
    "name",
    "tags",
    "extra_tags",
    "paths",
    "logger",
    "callbacks",
    "resume",
    "allow_targets",
    "hydra",
    "sweep",
)
_ASIDE_DATA = ("path", "num_workers")
_TRAINER = ("max_epochs", "max_steps", "max_time", "precision", "gradient_clip_val", "accumulate_grad_batches")

_ABSENT = "\N{EM DASH}"


def difference(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The keys whose values differ, in the order of the first configuration, with the value of each as text.

    A part that is of another class counts as one key, its own, like a choice on the command line; in what those of one
    name differ besides counts by itself, with a dash for the others.

    Arguments:
        configs: Whole configurations.

    Example:
        >>> one = {"seed": 0, "model": {"_target_": "a.VAE", "latent_dim": 2}, "optimizer": {"lr": 0.1}}
        >>> two = {"seed": 1, "model": {"_target_": "a.VAE", "latent_dim": 8}, "optimizer": {"lr": 0.1}}
        >>> difference([one, two])
        {'model.latent_dim': ['2', '8']}
    """
    found: dict[str, list[str]] = {}
    _compare("", [_relevant(config) for config in configs], found)
    return found


def differing_keys(configs: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """What distinguishes runs of which nothing tells what was swept: the keys, and each run's values.

    The observation map is left out where the likelihood tells it, which chooses it.

    Example:
        >>> differing_keys([{"model": {"latent_dim": 2}}, {"model": {"latent_dim": 8}}])
        (('model.latent_dim',), [{'model.latent_dim': 2}, {'model.latent_dim': 8}])
    """
    found = difference(configs)
    if "model.likelihood" in found:
        told = {key: found[key] for key in found if key.split(".")[0] == "observation"}
        for key, values in told.items():
            if len(set(zip(found["model.likelihood"], values, strict=True))) == len(set(found["model.likelihood"])):
                del found[key]
    points = [{key: _value(values[number]) for key, values in found.items()} for number in range(len(configs))]
    return tuple(found), points


def _relevant(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in _ASIDE}
    if isinstance(trainer := kept.get("trainer"), Mapping):
        kept["trainer"] = {key: trainer[key] for key in _TRAINER if key in trainer}
    data = kept.get("data")
    # A folder of data sets is wherever it is; a file is the data.
    if isinstance(data, Mapping) and "." not in str(data.get("path") or "").rpartition("/")[2]:
        kept["data"] = {key: value for key, value in data.items() if key not in _ASIDE_DATA}
    return kept


def _compare(key: str, nodes: list[Any], found: dict[str, list[str]]) -> None:
    if all(node == nodes[0] for node in nodes[1:]):
        return
    branches = [node for node in nodes if isinstance(node, Mapping)]
    targets = {node.get("_target_") for node in branches}
    if len(branches) < len(nodes) or len(targets) > 1:
        texts = found[key] = [_text(key, node) for node in nodes]
        for told in dict.fromkeys(texts):
            _compare_namesakes(key, nodes, [place for place, one in enumerate(texts) if one == told], found)
        return
    for name in dict.fromkeys(name for node in branches for name in node):
        _compare(f"{key}.{name}".lstrip("."), [node.get(name, _ABSENT) for node in branches], found)


def _compare_namesakes(key: str, nodes: list[Any], places: list[int], found: dict[str, list[str]]) -> None:
    """What has one name among others may yet differ inside: two rates of one optimizer, beside another."""
    members = [nodes[place] for place in places]
    if not all(isinstance(node, Mapping) and node.get("_target_") == members[0].get("_target_") for node in members):
        return
    inner: dict[str, list[str]] = {}
    _compare(key, members, inner)
    for name, values in inner.items():
        column = found.setdefault(name, [_ABSENT] * len(nodes))
        for place, value in zip(places, values, strict=True):
            column[place] = value


def _text(key: str, node: Any) -> str:
    if isinstance(node, Mapping):
        chosen = _option(key, json.dumps(node, sort_keys=True, default=str))
        return chosen or str(node.get("_target_", "")).rpartition(".")[2] or "{...}"
    return node if isinstance(node, str) else json.dumps(node, default=str)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@cache
def _option(key: str, node: str) -> str | None:
    """The option of a configuration group that gives a part: what somebody would have typed."""
    part, near = json.loads(node), []
    for path in sorted((conf_dir() / key.replace(".", "/")).glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, Mapping) or content.get("_target_") != part.get("_target_"):
            continue
        keys = [name for name in content if name != "defaults"]
        near.append((sum(content[name] == part.get(name, _ABSENT) for name in keys) - len(keys), path.stem))
    exact = [name for missing, name in near if missing == 0]
    return exact[0] if exact else near[0][1] if len(near) == 1 else None
