"""What `--help` says: the groups with their options and the keys, from the files themselves."""

from __future__ import annotations

__all__ = ["help_text"]

import re
import shutil
import textwrap

import yaml

from lvm_experiments.configuration.tree import ConfigTree

_USAGE = """\
Trains, evaluates and shows a latent variable model.

    python -m lvm_experiments [group=option ...] [key=value ...] [flags]

Every choice is one word: model=gaussian_vae takes another model, model/likelihood=bernoulli
another part of it, model.latent_dim=8 sets one value, and -m with values separated by commas runs
every combination. What a run was and what it found is in its folder under outputs/runs;
resume=FOLDER goes on with one that was interrupted. --cfg job shows the whole configuration and
runs nothing."""

_FLAGS = """\
-m, --multirun            run every combination of the values given
-c, --cfg job             show the configuration; with --resolve as run, with -p model a part
-i, --info defaults-tree  show where the configuration comes from
-cd, --config-dir DIR     further configuration files
-cn, --config-name NAME   another primary file
--version                 show the version
--hydra-help              what else Hydra takes"""


def help_text(tree: ConfigTree) -> str:
    """The whole text.

    Example:
        >>> "model=" in help_text(ConfigTree.default())
        True
    """
    primary = (tree.folders[0] / "config.yaml").read_text(encoding="utf-8")
    chosen = _defaults(primary)
    columns = min(shutil.get_terminal_size().columns, 120)
    groups = [
        textwrap.fill(
            ", ".join(f"[{option}]" if option == chosen.get(group) else option for option in tree.options(group)),
            columns,
            initial_indent=f"{group}=".ljust(20),
            subsequent_indent=" " * 20,
            break_on_hyphens=False,
        )
        for group in tree.groups
        if tree.options(group)
    ]
    parts = {
        "groups, the default in brackets": "\n".join(groups),
        "keys": _keys(primary),
        "flags": _FLAGS,
    }
    return "\n\n".join([_USAGE, *(f"{title}:\n{textwrap.indent(text, '  ')}" for title, text in parts.items())])


def _defaults(primary: str) -> dict[str, str]:
    entries = yaml.safe_load(primary).get("defaults", [])
    pairs = [pair for entry in entries if isinstance(entry, dict) for pair in entry.items()]
    return {group.removeprefix("optional ").removeprefix("override "): option for group, option in pairs}


def _keys(primary: str) -> str:
    """The lines `key: value # meaning` at the top level of the primary file."""
    found = re.findall(r"^(\w+): *([^#\n]*?) *(?:#\s*(.*))?$", primary, flags=re.MULTILINE)
    shown = [(f"{key}={'...' if '${' in value else value}", about) for key, value, about in found if value]
    width = max((len(key) for key, _ in shown), default=0) + 2
    return "\n".join(f"{key:<{width}}{about}".rstrip() for key, about in shown)
