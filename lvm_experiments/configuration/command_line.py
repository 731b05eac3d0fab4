"""The words after the program's name: flags, mostly Hydra's, and overrides, in any order."""

from __future__ import annotations

__all__ = ["CommandLine", "read_command_line"]

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from lvm_experiments.errors import RequestError, nearest

_SHOW = ["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"]


@dataclass(frozen=True)
class CommandLine:
    """A command line, read.

    Arguments:
        flags: What Hydra is told, in a form that it takes wherever the flags stood.
        overrides: Everything else.
        multirun: Whether a sweep is asked for.
        shows: Whether something is shown and nothing run.
        help: Whether this program's help is asked for.
        version: Whether its version is.
        config_name: The primary file.
        config_dir: A further folder of configuration files.
        config_path: A folder in place of the package's own.
        completes: Whether a shell asks for completions.
        package: The part of the configuration that is shown.
    """

    flags: tuple[str, ...]
    overrides: tuple[str, ...]
    multirun: bool
    shows: bool
    help: bool
    version: bool
    config_name: str
    config_dir: Path | None
    config_path: Path | None
    completes: bool
    package: str | None = None

    def value_of(self, key: str) -> str | None:
        """The last value given to a key by `key=value`, as it is written, or None."""
        given = [text.partition("=")[2] for text in self.overrides if text.partition("=")[0].lstrip("+") == key]
        return given[-1] if given else None


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        flags = [flag for action in self._actions for flag in action.option_strings]
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if not unknown:
            raise RequestError(message, hint="see --help")
        meant = nearest(unknown[0], flags)
        raise RequestError(
            "no such flag",
            where=unknown[0],
            hint=f"did you mean {meant}?" if meant else "see --help",
        )


def read_command_line(words: Sequence[str]) -> CommandLine:
    """Reads the words of a command line.

    Raises:
        RequestError: For a flag that is not there or lacks its value.

    Example:
        >>> line = read_command_line(["seed=0,1", "-m", "model.latent_dim=2"])
        >>> line.flags, line.overrides
        (('--multirun',), ('seed=0,1', 'model.latent_dim=2'))
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--run", "-r", action="store_true")
    parser.add_argument("--multirun", "-m", action="store_true")
    parser.add_argument("--cfg", "-c", choices=["job", "hydra", "all"])
    parser.add_argument("--package", "-p")
    parser.add_argument("--resolve", action="store_true")
    parser.add_argument("--info", "-i", const="all", nargs="?", choices=_SHOW)
    parser.add_argument("--hydra-help", action="store_true")
    parser.add_argument("--shell-completion", "-sc", action="store_true")
    parser.add_argument("--config-path", "-cp")
    parser.add_argument("--config-name", "-cn")
    parser.add_argument("--config-dir", "-cd")
    found = parser.parse_intermixed_args(list(words))
    shown = [name for name in ("cfg", "info", "shell_completion", "hydra_help") if getattr(found, name)]
    modes = [f"--{name.replace('_', '-')}" for name in ("run", "multirun", *shown) if getattr(found, name)]
    if len(modes) > 1:
        raise RequestError("only one of them at a time", where=" ".join(modes))
    if found.resolve and not found.cfg:
        raise RequestError(
            "says how --cfg shows a configuration",
            where="--resolve",
            hint="write --cfg job --resolve",
        )
    if found.package and not found.cfg:
        raise RequestError(
            "says what --cfg shows of a configuration",
            where="--package",
            hint=f"write --cfg job -p {found.package}",
        )
    switches = ("run", "multirun", "resolve", "hydra_help", "shell_completion")
    flags = [f"--{name.replace('_', '-')}" for name in switches if getattr(found, name)]
    for name in ("cfg", "package", "info", "config_path", "config_name", "config_dir"):
        if getattr(found, name) is not None:
            flags += [f"--{name.replace('_', '-')}", getattr(found, name)]
    return CommandLine(
        flags=tuple(flags),
        overrides=tuple(found.overrides),
        multirun=found.multirun,
        shows=bool(shown),
        help=found.help,
        version=found.version,
        config_name=found.config_name or "config",
        config_dir=None if found.config_dir is None else Path(found.config_dir),
        config_path=None if found.config_path is None else Path(found.config_path),
        completes=found.shell_completion,
        package=found.package,
    )
