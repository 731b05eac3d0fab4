"""Where the configuration files are, and which options a refusal may name."""

from __future__ import annotations

__all__ = ["conf_dir", "look_in", "options_where"]

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from lvm_experiments.errors import RequestError

_PACKAGE = f"{__name__.partition('.')[0]}."
_further: dict[Path, tuple[str, ...]] = {}


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


def look_in(folders: Sequence[Path], allow: Sequence[str] = ()) -> None:
    """Says which folders of configuration files this process has besides the package's own.

    Arguments:
        folders: Those given on the command line, the package's own among them or not.
        allow: The user's own modules that may be imported to see what an option there is.
    """
    _further.clear()
    _further.update({folder: tuple(allow) for folder in folders if folder != conf_dir()})


def options_where(group: str, admits: Callable[[Any], bool]) -> list[str]:
    """The options of a configuration group whose class is admitted, to be named in a refusal.

    Example:
        >>> options_where("model/prior", lambda kind: kind.__name__.startswith("Standard"))
        ['standard_normal']
    """
    found = set()
    for folder, allow in {conf_dir(): (), **_further}.items():
        for path in (folder / group).glob("*.yaml"):
            target = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("_target_")
            if target is None:
                continue
            module, _, name = target.rpartition(".")
            allowed = module.startswith(_PACKAGE) or any(f"{module}.".startswith(f"{own}.") for own in allow)
            if allowed and admits(getattr(import_module(module), name)):
                found.add(path.stem)
    return sorted(found)
