"""Where the configuration files are, and which groups and options there are."""

from __future__ import annotations

__all__ = ["ConfigTree", "conf_dir"]

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.options import conf_dir


@dataclass(frozen=True)
class ConfigTree:
    """The groups and options of folders of YAML files, the only register of what can be chosen.

    Arguments:
        folders: Absolute paths; the first holds the primary configuration.

    Example:
        >>> tree = ConfigTree.default()
        >>> "model/likelihood" in tree.groups, "none" in tree.options("experiment")
        (True, True)
    """

    folders: tuple[Path, ...]

    @classmethod
    def default(cls, extra: Iterable[Path] = ()) -> ConfigTree:
        """The package's own files, and those of further folders.

        Raises:
            RequestError: Where a folder is missing.
        """
        further = tuple(path.absolute() for path in extra)
        for path in further:
            if not path.is_dir():
                raise RequestError("there is no such folder of configuration files", where=str(path))
        return cls((conf_dir(), *further))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of groups, `model` and `model/likelihood` alike, sorted."""
        found = set(self._options)
        for name in tuple(found):
            found.update("/".join(name.split("/")[:depth]) for depth in range(1, name.count("/") + 1))
        return tuple(sorted(found))

    def options(self, group: str) -> tuple[str, ...]:
        """The names a group can be set to, sorted."""
        return tuple(sorted(self._options.get(group, ())))

    def has(self, group: str, option: str) -> bool:
        """Whether a group has an option; one in a subfolder is named with its path."""
        return any((folder / group / f"{option}.yaml").is_file() for folder in self.folders)

    def options_with(self, group: str, part: str) -> list[str]:
        """The options of a group that choose one of a group within it, by their own defaults or those they build on.

        Example:
            >>> {"elbo", "beta"} <= set(ConfigTree.default().options_with("objective", "schedule"))
            True
        """
        return [option for option in self.options(group) if self._chooses(group, option, part)]

    def _chooses(self, group: str, option: str, part: str) -> bool:
        for folder in self.folders:
            path = folder / group / f"{option}.yaml"
            if not path.is_file():
                continue
            plain = yaml.safe_load(path.read_text(encoding="utf-8"))
            entries = (plain.get("defaults") or []) if isinstance(plain, dict) else []
            if any(part in entry for entry in entries if isinstance(entry, dict)):
                return True
            return any(self._chooses(group, entry, part) for entry in entries if entry not in ("_self_", option))
        return False

    def wrong_option(self, group: str, option: str, like: str = "") -> RequestError:
        """The answer to an option that is not there; `like` is what to look for instead."""
        options = self.options(group)
        meant = nearest(like or option, options)
        hint = f"did you mean {meant}? " if meant else ""
        return RequestError(f"no option {option!r}", where=group, hint=f"{hint}options: {', '.join(options)}")

    @cached_property
    def _options(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for folder in self.folders:
            for path in folder.rglob("*.yaml"):
                group = path.parent.relative_to(folder).as_posix()
                if group != ".":
                    found.setdefault(group, set()).add(path.stem)
        return found
