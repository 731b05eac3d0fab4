"""Where in a sweep a run stands, in words short enough for a table's header."""

from __future__ import annotations

__all__ = ["place_in_sweep", "point_label", "short_facts", "short_names", "sweep_name"]

import re
from collections.abc import Iterable, Mapping
from typing import Any

_PARTS = ("likelihood", "prior", "posterior")


def sweep_name(config: Mapping[str, Any]) -> str | None:
    """The sweep a run is a job of; None for a run of its own.

    Arguments:
        config: The whole configuration of the run.

    Example:
        >>> sweep_name({"sweep": {"name": "seeds", "point": {"seed": 1}}})
        'seeds'
        >>> sweep_name({"seed": 1}) is None
        True
    """
    sweep = config.get("sweep") or {}
    return str(sweep["name"]) if sweep.get("point") and sweep.get("name") else None


def place_in_sweep(config: Mapping[str, Any]) -> dict[str, Any]:
    """The swept values of a run, by the words they have on the command line; empty outside a sweep."""
    return dict((config.get("sweep") or {}).get("point") or {})


def short_names(swept: Iterable[str], config: Mapping[str, Any]) -> dict[str, str]:
    """A flat name for each swept word: its last component, or as many as it takes to be clear.

    Arguments:
        swept: Words as on the command line, like `model/likelihood`.
        config: The whole configuration, whose own keys at the top keep their meaning.

    Example:
        >>> config = {"seed": 0, "name": "run", "model": {"latent_dim": 2}}
        >>> short_names(["model/likelihood", "model.latent_dim", "seed"], config)
        {'model/likelihood': 'likelihood', 'model.latent_dim': 'latent_dim', 'seed': 'seed'}
        >>> short_names(["model", "model.encoder.hidden", "model.decoder.hidden"], config)
        {'model': 'model_name', 'model.encoder.hidden': 'encoder_hidden', 'model.decoder.hidden': 'decoder_hidden'}
        >>> short_names(["data.name"], config)
        {'data.name': 'data_name'}
    """
    words = [(word, re.split(r"[./@]", word.lstrip("+~"))) for word in swept]
    names: dict[str, str] = {}
    for word, parts in words:
        others = [other for one, other in words if one != word]
        length = 1
        while length < len(parts) and (
            any(other[-length:] == parts[-length:] for other in others) or "_".join(parts[-length:]) in config
        ):
            length += 1
        name = "_".join(parts[-length:])
        # A whole group has its node in the configuration; the name of the option stands beside it.
        names[word] = f"{name}_name" if isinstance(config.get(name), Mapping) else name
    return names


def short_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """What runs are grouped by: swept values under their short names, and the model's parts and size.

    Arguments:
        config: The whole configuration.

    Example:
        >>> target = "lvm_experiments.likelihoods.DiscretizedLogisticLikelihood"
        >>> model = {"latent_dim": 8, "likelihood": {"_target_": target}}
        >>> short_facts({"model": model})
        {'likelihood': 'discretized_logistic', 'latent_dim': 8}
        >>> short_facts({"model": model, "sweep": {"name": "a", "point": {"model/likelihood": "logistic_3"}}})
        {'likelihood': 'logistic_3', 'latent_dim': 8}
    """
    model = config.get("model")
    facts: dict[str, Any] = {}
    if isinstance(model, Mapping):
        for part in _PARTS:
            node = model.get(part)
            if isinstance(node, Mapping) and "_target_" in node:
                facts[part] = _snake(str(node["_target_"]).rpartition(".")[2]).removesuffix(f"_{part}")
        if isinstance(model.get("latent_dim"), int):
            facts["latent_dim"] = model["latent_dim"]
    point = place_in_sweep(config)
    names = short_names(point, config)
    return facts | {names[word]: _flat(value) for word, value in point.items()}


def point_label(config: Mapping[str, Any]) -> str | None:
    """The swept values in a line, for the name of a run; None outside a sweep.

    Example:
        >>> point = {"model/likelihood": "bernoulli", "model.latent_dim": 8, "seed": 0}
        >>> point_label({"seed": 0, "sweep": {"name": "a", "point": point}})
        'bernoulli latent_dim=8 seed=0'
    """
    point = place_in_sweep(config)
    names = short_names(point, config)
    words = [value if isinstance(value, str) else f"{names[word]}={value}" for word, value in point.items()]
    return " ".join(words) or None


def _flat(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _snake(name: str) -> str:
    """A class name as an option's.

    Example:
        >>> [_snake(name) for name in ("Bernoulli", "DiagonalNormal", "IWAE")]
        ['bernoulli', 'diagonal_normal', 'iwae']
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
