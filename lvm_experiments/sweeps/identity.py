"""What makes a job the same job: the part of a configuration that its numbers depend on."""

from __future__ import annotations

__all__ = ["differences", "identity"]

from collections.abc import Iterator, Mapping
from typing import Any

_GROUPS = ("model", "observation", "objective", "optimizer", "scheduler", "data", "evaluation")
_KEYS = ("seed", "monitor", "ckpt_path", "matmul_precision")
# Where and on what it is trained is free; how long, with what precision and on which examples is not.
_TRAINER = (
    "max_epochs", "min_epochs", "max_steps", "min_steps", "max_time", "precision", "fast_dev_run",
    "limit_train_batches", "limit_val_batches", "overfit_batches", "val_check_interval", "check_val_every_n_epoch",
    "accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm",
)  # fmt: skip
_CALLBACKS = ("early_stopping",)
_ABSENT = "not there"


def identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values that make a job what it is, by their dotted keys.

    Arguments:
        config: The whole configuration, resolved.

    Example:
        >>> identity({"seed": 1, "name": "a", "trainer": {"max_epochs": 3, "devices": 2}, "model": {"latent_dim": 2}})
        {'model.latent_dim': 2, 'seed': 1, 'trainer.max_epochs': 3}
    """
    parts: dict[str, Any] = {key: config[key] for key in (*_GROUPS, *_KEYS) if key in config}
    for group, keys in (("trainer", _TRAINER), ("callbacks", _CALLBACKS)):
        node = config.get(group) or {}
        parts[group] = {key: node[key] for key in keys if key in node}
    values = dict(_leaves(parts, ""))
    folder = (config.get("paths") or {}).get("data_dir")
    for key, value in values.items():
        # Data that were moved are the same data.
        if key.startswith("data.") and isinstance(value, str) and folder and value.startswith(folder):
            values[key] = f"<paths.data_dir>{value[len(folder) :]}"
        elif key == "data.path" and value is None:
            values[key] = "<paths.data_dir>"
    return values


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Keys whose values make two configurations those of different jobs, with both values.

    Example:
        >>> differences({"seed": 0, "name": "a"}, {"seed": 1, "name": "b"})
        [('seed', 0, 1)]
    """
    old, new = identity(before), identity(after)
    pairs = ((key, old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in dict.fromkeys([*old, *new]))
    return [(key, one, other) for key, one, other in pairs if not _same(one, other)]


def _same(one: Any, other: Any) -> bool:
    # True equals 1 for Python, and a configuration means neither by the other.
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
