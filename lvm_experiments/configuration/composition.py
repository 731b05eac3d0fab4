"""Composes a configuration from its files and the words on a command line."""

from __future__ import annotations

__all__ = ["Composition", "choose", "compose", "compose_job", "is_choice", "resolve_within"]

import copy
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from lvm_experiments.configuration.change import Changes
from lvm_experiments.configuration.keys import lookup, paths, to_plain
from lvm_experiments.configuration.leftovers import leftovers
from lvm_experiments.configuration.overrides import parse_override
from lvm_experiments.configuration.resolvers import register_resolvers
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import RequestError, nearest

_FROM_HYDRA = (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError, OSError)


@dataclass(frozen=True)
class Composition:
    """One composed run.

    Arguments:
        config: The configuration, resolved, without Hydra's own.
        choices: Group to option, as chosen.
        run_dir: Where a single run would write, absolute.
        sweep_dir: Where a sweep would write, absolute.
        multirun: Whether the configuration itself asks for a sweep.
        params: Swept words that the configuration itself brings, `hydra.sweeper.params`.
        launcher: What starts the jobs of a sweep, `hydra.launcher`, resolved.
        leftovers: Words that took away what a class named on the command line does not take.
    """

    config: DictConfig
    choices: dict[str, str]
    run_dir: Path
    sweep_dir: Path
    multirun: bool
    params: dict[str, Any]
    launcher: dict[str, Any]
    leftovers: tuple[str, ...] = ()


def compose(
    overrides: Sequence[str] = (), config_name: str = "config", *, tree: ConfigTree | None = None
) -> DictConfig:
    """The configuration of one run, resolved: without interpolations and without a `hydra` node.

    Options are chosen by Hydra; values are then set one after the other, so that an error is about
    one word of the command line and can name what was meant.

    Arguments:
        overrides: Words as on the command line, without sweeps.
        config_name: The primary file.
        tree: Where the files are; the package's own unless given.

    Raises:
        RequestError: For an unknown option, group or key, with the nearest valid one; for a
            missing value, a value that cannot be read, an interpolation that leads nowhere.

    Example:
        >>> compose(["seed=3"]).seed
        3
    """
    return compose_job(overrides, config_name, tree=tree).config


def compose_job(
    overrides: Sequence[str] = (),
    config_name: str = "config",
    *,
    tree: ConfigTree | None = None,
    run_id: str | None = None,
    chosen: MutableMapping[tuple[str, ...], DictConfig] | None = None,
) -> Composition:
    """What `compose` gives, and what Hydra makes of the rest.

    Arguments:
        overrides: Words as on the command line, without sweeps.
        config_name: The primary file.
        tree: Where the files are; the package's own unless given.
        run_id: What `${run_id:}` stands for; random unless given.
        chosen: Keeps what the same choices of options gave before, which takes most of the time. One for each tree
            and primary file.

    Raises:
        RequestError: As in `compose`.
    """
    tree = tree or ConfigTree.default()
    register_resolvers(run_id)
    parsed = [parse_override(text) for text in overrides]
    for override in parsed:
        if override.is_sweep_override():
            raise RequestError(
                "several values are a sweep",
                where=str(override.input_line),
                hint="add -m, or write [a,b] for a list",
            )
    tree = ConfigTree((*tree.folders, *_search_path(parsed)))
    choices = [o for o in parsed if is_choice(o, tree)]
    values = [o for o in parsed if not is_choice(o, tree)]
    composed = _chosen(choices, config_name, tree, chosen)
    changes = Changes(composed, tree.groups)
    for override in values:
        if override.key_or_group != "hydra.searchpath":
            changes.apply(override)
    rest = leftovers(composed, parsed)
    for word in rest:
        changes.apply(parse_override(word))
    changes.check_added()
    return replace(_resolved(composed), leftovers=tuple(rest))


def _chosen(
    choices: Sequence[Override],
    config_name: str,
    tree: ConfigTree,
    known: MutableMapping[tuple[str, ...], DictConfig] | None,
) -> DictConfig:
    if known is None:
        return choose(choices, config_name, tree)
    key = tuple(str(override.input_line) for override in choices)
    if key not in known:
        known[key] = choose(choices, config_name, tree)
    return copy.deepcopy(known[key])


def _search_path(parsed: Sequence[Override]) -> list[Path]:
    """Folders named by `hydra.searchpath=[...]` on the command line."""
    named = [o.value() for o in parsed if o.key_or_group == "hydra.searchpath"]
    return [
        Path(str(one).removeprefix("file://")).absolute() for each in named if isinstance(each, list) for one in each
    ]


def is_choice(override: Override, tree: ConfigTree) -> bool:
    """Whether an override chooses an option of a group; otherwise it sets a value."""
    key = override.key_or_group
    return (key in tree.groups or key.startswith("hydra/")) and not isinstance(override.value(), dict)


def _check_choice(override: Override, tree: ConfigTree) -> None:
    group, value = override.key_or_group, override.value()
    if override.is_force_add():
        raise RequestError(
            "options are chosen without a plus",
            where=str(override.input_line),
            hint=f"write {group}=NAME",
        )
    if group.startswith("hydra/") and group not in tree.groups:
        return  # Hydra's own
    if override.is_delete():
        raise RequestError(
            "a group cannot be taken away",
            where=str(override.input_line),
            hint=f"write {group}=NAME",
        )
    for option in value if isinstance(value, list) else [value]:
        name = "none" if option is None else str(option)
        if option is None or not tree.has(group, name):
            raise tree.wrong_option(group, override.get_value_string() if option is None else name, name)


def choose(choices: Sequence[Override], config_name: str, tree: ConfigTree) -> DictConfig:
    """The configuration with these options, not resolved, with Hydra's own node.

    Raises:
        RequestError: There is no such option, or nothing that is chosen has the group.
    """
    for override in choices:
        _check_choice(override, tree)
    try:
        return _with_hydra(choices, config_name, tree)
    except _FROM_HYDRA as error:
        raise _why_not(choices, config_name, tree) or _about_hydra(error) from error


def _with_hydra(choices: Sequence[Override], config_name: str, tree: ConfigTree) -> DictConfig:
    first, *further = tree.folders
    words = [str(override.input_line) for override in choices]
    if further:
        quoted = ["'file://" + str(path).replace("'", "\\'") + "'" for path in further]
        words.append(f"hydra.searchpath=[{','.join(quoted)}]")
    with hydra.initialize_config_dir(str(first), job_name="lvm_experiments", version_base=None):
        return hydra.compose(config_name, words, return_hydra_config=True)


def _why_not(choices: Sequence[Override], config_name: str, tree: ConfigTree) -> RequestError | None:
    """Looks for the choice that Hydra minds: a plus too many, or a group nothing chosen has."""
    for place, override in enumerate(choices):
        try:
            rest = _with_hydra([*choices[:place], *choices[place + 1 :]], config_name, tree)
        except _FROM_HYDRA:
            continue
        group, line = override.get_key_element().lstrip("+~"), str(override.input_line)
        chosen = list(rest.hydra.runtime.choices)
        if override.is_add() and group in chosen:
            return RequestError("the group has an option already", where=line, hint=f"drop the plus: {line[1:]}")
        if not override.is_add() and group not in chosen:
            return _without_group(group, line, dict(rest.hydra.runtime.choices), tree)
    return None


def _without_group(group: str, line: str, chosen: dict[str, str], tree: ConfigTree) -> RequestError:
    above, _, part = group.rpartition("/")
    if having := tree.options_with(above, part) if above in chosen else []:
        hint = f"choose {above}={'|'.join(having)}, or leave it out"
        return RequestError(f"{above}={chosen[above]} has no {part} to choose", where=line, hint=hint)
    hint = f"did you mean {meant}?" if (meant := nearest(group, chosen)) else "see --help for the groups"
    return RequestError("nothing that is chosen has this group", where=line, hint=hint)


def resolve_within(config: DictConfig, composed: DictConfig) -> None:
    """Resolves a configuration in place; `${hydra:...}` is what Hydra says of another.

    Raises:
        RequestError: For an interpolation that leads nowhere; it says in which value.
    """
    before = HydraConfig.instance().cfg
    try:
        HydraConfig.instance().set_config(composed)
        _check_interpolations(config)
        OmegaConf.resolve(config)
    except _FROM_HYDRA as error:
        raise _about_hydra(error) from error
    finally:
        HydraConfig.instance().cfg = before


def _resolved(composed: DictConfig) -> Composition:
    try:
        run_dir, sweep_dir = _folders(composed)
    except RequestError:
        # The folders are named after other values, of which one is wrong: rather say that.
        resolve_within(_without_hydra(composed), composed)
        raise
    with read_write(composed.hydra.runtime), open_dict(composed.hydra.runtime):
        composed.hydra.runtime.output_dir = str(run_dir)
    config = _without_hydra(composed)
    resolve_within(config, composed)
    for key in sorted(OmegaConf.missing_keys(config)):
        raise RequestError("a value is missing", where=key, hint=f"give one with {key}=VALUE")
    choices = {str(group): str(option) for group, option in composed.hydra.runtime.choices.items()}
    multirun = composed.hydra.mode == RunMode.MULTIRUN
    params, launcher = (_plain(composed, key) for key in ("sweeper.params", "launcher"))
    return Composition(config, choices, run_dir, sweep_dir, multirun, params, launcher)


def _plain(composed: DictConfig, key: str) -> dict[str, Any]:
    try:
        node = OmegaConf.select(composed, f"hydra.{key}")
        return to_plain(node, resolve=True) if isinstance(node, DictConfig) else {}
    except _FROM_HYDRA as error:
        raise _about_hydra(error) from error


def _without_hydra(composed: DictConfig) -> DictConfig:
    config = copy.deepcopy(composed)
    with read_write(config), open_dict(config):
        del config["hydra"]
    return config


def _folders(composed: DictConfig) -> list[Path]:
    before = HydraConfig.instance().cfg
    try:
        HydraConfig.instance().set_config(composed)
        found = [str(OmegaConf.select(composed, f"hydra.{kind}.dir")) for kind in ("run", "sweep")]
    except _FROM_HYDRA as error:
        raise _about_hydra(error) from error
    finally:
        HydraConfig.instance().cfg = before
    return [Path(path).absolute() for path in found]


def _check_interpolations(config: DictConfig) -> None:
    """OmegaConf does not say in which value it found what it could not resolve."""
    plain = to_plain(config, resolve=False)
    for path in paths(plain):
        value = lookup(plain, path.split("."))
        if isinstance(value, str | list) and "${" in str(value):
            try:
                OmegaConf.to_container(OmegaConf.create({"value": OmegaConf.select(config, path)}), resolve=True)
            except OmegaConfBaseException as error:
                raise RequestError(str(error.msg or error).split("\n")[0], where=path, hint=f"it is {value}") from error


def _about_hydra(error: BaseException) -> RequestError:
    """One line for what Hydra or OmegaConf found in the files themselves."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OmegaConfBaseException):
        cause = cause.__cause__
    if isinstance(cause, OmegaConfBaseException):
        return RequestError(str(cause.msg or cause).split("\n")[0], where=str(cause.full_key or ""))
    if isinstance(error, MissingConfigException) and error.options:
        options = ", ".join(sorted(error.options))
        return RequestError(f"there is no {error.missing_cfg_file}", hint=f"options: {options}")
    if isinstance(error, yaml.YAMLError):
        return RequestError(f"not a YAML file: {error}")
    return RequestError(str(error).strip().split("\n")[0] or type(error).__name__)
