"""Where the configuration files are, and which options a refusal may name."""

from __future__ import annotations

__all__ = ["conf_dir", "options_where"]

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from lvm_experiments.errors import RequestError


def conf_dir() -> Path:
    """The folder of configuration files: inside the package in a wheel, beside it in a checkout.

    Raises:
        RequestError: Where neither is there.

    Example:
        >>> (conf_dir() / "config.yaml").is_file()
        True
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise RequestError("the configuration files of the package are missing", hint="install it again")


def options_where(group: str, admits: Callable[[Any], bool]) -> list[str]:
    """The options of a configuration group whose class is admitted, to be named in a refusal.

    Example:
        >>> options_where("model/prior", lambda kind: kind.__name__.startswith("Standard"))
        ['standard_normal']
    """
    found = []
    for path in sorted((conf_dir() / group).glob("*.yaml")):
        target = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("_target_")
        if target is None:
            continue
        module, _, name = target.rpartition(".")
        if admits(getattr(import_module(module), name)):
            found.append(path.stem)
    return found
