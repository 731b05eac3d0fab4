"""Names of sweeps and of the folders of their jobs: readable, and safe in any file system and shell."""

from __future__ import annotations

__all__ = ["folder_name", "sweep_name"]

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lvm_experiments.configuration.overrides import parse_override
from lvm_experiments.sweeps.axes import Axis, Point

_LENGTH = 80  # letters of a name, well below what file systems take
_REPEAT = "seed"  # repeats a point rather than being one
# Words that change neither what is computed nor what it is called.
_FREE = (
    "sweep.",
    "hydra.",
    "hydra/",
    "paths.",
    "logger",
    "tags",
    "extra_tags",
    "name",
    "callbacks.progress",
    "callbacks.summary",
)


def sweep_name(axes: Sequence[Axis], fixed: Sequence[str]) -> str:
    """The name of a sweep that was given none: the same for the same command, and for more points of it.

    Arguments:
        axes: What it varies.
        fixed: The words all jobs share. `sweep=NAME` among them gives the name; a hash stands for those that
            change what is computed.

    Example:
        >>> axes = [
        ...     Axis("model/likelihood", ("model/likelihood=bernoulli",), ("bernoulli",)),
        ...     Axis("seed", ("seed=0",), (0,)),
        ... ]
        >>> sweep_name(axes, [])
        'likelihood_seed'
        >>> sweep_name(axes, ["trainer=cpu", "sweep.timeout=60"]) == sweep_name(axes, ["trainer=cpu"])
        True
    """
    given = [(parse_override(word), word) for word in fixed]
    named = [str(override.value()) for override, _ in given if override.key_or_group == "sweep"]
    keys = [_slug(re.split(r"[./]", axis.key)[-1]) for axis in axes]
    base = named[-1] if named else "_".join(keys) or "single"
    words = sorted(word for override, word in given if not _is_free(override.key_or_group))
    return f"{base[:_LENGTH]}-{_hash(words)}" if words else base[:_LENGTH]


def folder_name(point: Point, taken: Iterable[str] = ()) -> str:
    """Where a job lies below its sweep: its swept values, then its seed.

    Arguments:
        point: Its swept values.
        taken: Folders of other points.

    Example:
        >>> folder_name({"model/likelihood": "bernoulli", "model.latent_dim": 8, "seed": 0})
        'bernoulli_8/seed-0'
        >>> folder_name({"seed": 3}), folder_name({"model.encoder.hidden": [512, 256]})
        ('seed-3', '512-256')
    """
    values = "_".join(_slug(value) for key, value in point.items() if key != _REPEAT)
    seed = [f"seed-{_slug(point[_REPEAT])}"] if _REPEAT in point else []
    if len(values) > _LENGTH:
        values = f"{values[:_LENGTH]}-{_hash(point)}"
    name = "/".join([*([values] if values else []), *seed]) or "single"
    # Some file systems tell no capitals apart.
    if name.casefold() in {other.casefold() for other in taken}:
        name = "/".join([f"{values or 'point'}-{_hash(point)}", *seed])
    return name


def _is_free(key: str) -> bool:
    return key == "sweep" or any(key.startswith(word) if word[-1] in "./" else key == word for word in _FREE)


def _slug(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(_slug, value)) or "empty"
    if isinstance(value, dict):
        return "-".join(f"{_slug(key)}-{_slug(one)}" for key, one in value.items()) or "empty"
    text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", text).strip("_.") or "empty"


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]
