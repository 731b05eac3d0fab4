"""The command line program: one run, a sweep, a run to go on with, or something shown."""

from __future__ import annotations

__all__ = ["main"]

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvm_experiments.configuration.command_line import CommandLine, read_command_line
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import RequestError
from lvm_experiments.job import command, guarded, starts_processes, trust
from lvm_experiments.options import look_in
from lvm_experiments.runs.launch import Launch, find_launch, tell_lightning
from lvm_experiments.runs.rank import is_rank_zero

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lvm_experiments.configuration.composition import Composition
    from lvm_experiments.runs.folder import RunFolder


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code: 2 for a wrong request, 1 for a failed run.

    Arguments:
        words: What follows the program's name; that of this process unless given.
    """
    words = list(sys.argv[1:] if words is None else words)
    if not sys.flags.safe_path and not {"", os.getcwd()} & set(sys.path):
        sys.path.append(os.getcwd())  # for modules of the user's own, as `python -m` does and an installed command not
    return guarded(lambda: _main(read_command_line(words)))


def _main(line: CommandLine) -> int:
    if line.version:
        from lvm_experiments import __version__

        print(f"lvm_experiments {__version__}")
        return 0
    tree = _tree(line)
    if line.help:
        from lvm_experiments.configuration.help import help_text

        print(help_text(tree))
        return 0
    if line.completes:
        return _with_hydra(line, [], tree, "")
    if not line.shows and line.value_of("resume") not in (None, "null"):
        return _resume(line, tree)
    from lvm_experiments.configuration.resolvers import new_run_id

    run_id = new_run_id()
    if line.shows:
        return _show(line, tree, run_id)
    launch = find_launch()
    if line.value_of("hparams_search") not in (None, "none"):
        from lvm_experiments.sweeps.search import search

        _refuse_launcher(launch, "hparams_search")
        return search(line, tree)
    if launch is not None and line.value_of("hydra.run.dir") is None:
        run_id = _agreed(launch, run_id)
    first = _look_ahead(line, tree, run_id)
    if line.multirun or first.multirun:
        _refuse_launcher(launch, "-m")
        return _sweep(line, tree, first, run_id)
    if launch is not None:
        _refuse_other_number(launch, first.config.trainer)
    if launch is None or not launch.again:
        _refuse_second_run(first.run_dir)
    _refuse_place(first.run_dir)
    _refuse_unfit(first.config, tree)
    _make(first.run_dir)
    quoted = str(first.run_dir).replace("\\", "\\\\").replace("'", "\\'")
    more = [] if is_rank_zero() else ["hydra.output_subdir=null"]
    return _with_hydra(line, [f"hydra.run.dir='{quoted}'", *first.leftovers, *more], tree, run_id)


def _tree(line: CommandLine) -> ConfigTree:
    extra = [] if line.config_dir is None else [line.config_dir]
    if line.config_path is None:
        return ConfigTree.default(extra)
    paths = (Path(__file__).parent / line.config_path, *extra)
    return ConfigTree(tuple(path.absolute() for path in paths))


def _show(line: CommandLine, tree: ConfigTree, run_id: str) -> int:
    more: Sequence[str] = ()
    if line.overrides or line.package:
        from lvm_experiments.configuration import compose_job

        found = compose_job(line.overrides, line.config_name, tree=tree)
        config, more = found.config, found.leftovers
        if line.package and line.package.partition(".")[0] not in ("_global_", "hydra"):
            _check_package(line.package, config)
    logging.raiseExceptions = False  # Hydra shows things by logging them, maybe to `head`
    return _with_hydra(line, more, tree, run_id)


def _check_package(package: str, config: DictConfig) -> None:
    """Hydra shows neither a part that is not there nor one that is null, and exits with 1."""
    from lvm_experiments.configuration.keys import ABSENT, lookup, split_key, to_plain, unknown_key

    plain = to_plain(config, resolve=True)
    found = lookup(plain, split_key(package))
    if found is ABSENT:
        raise unknown_key(package, plain)
    if found is None:
        raise RequestError("it is null: there is nothing to show", where=package)


def _look_ahead(line: CommandLine, tree: ConfigTree, run_id: str) -> Composition:
    """Composes and checks before anything is made or imported; of a sweep, the first job that can be."""
    from lvm_experiments.configuration import check, compose_job, parse_override

    def compose(words: Sequence[str]) -> Composition:
        return compose_job(words, line.config_name, tree=tree, run_id=run_id)

    swept = any(parse_override(word).is_sweep_override() for word in line.overrides)
    if not swept and not line.multirun:
        found = compose(line.overrides)
        if not found.multirun:
            check(found.config, tree=tree)
        return found
    from lvm_experiments.sweeps.axes import grid, read_axes
    from lvm_experiments.sweeps.plan import first_composition

    found = first_composition((words for words, _ in grid(*read_axes(line.overrides, {}, tree))), compose)
    # A named sweep needs no flag; without either, several values are a mistake.
    return found if line.multirun or found.multirun else compose(line.overrides)


def _refuse_unfit(config: DictConfig, tree: ConfigTree) -> None:
    from lvm_experiments.configuration.keys import to_plain

    plain = to_plain(config, resolve=True)
    look_in(tree.folders, plain["allow_targets"])
    # Only now, since it imports torch: words have been checked.
    from lvm_experiments.fit import refuse_unfit

    refuse_unfit(plain)


def _sweep(line: CommandLine, tree: ConfigTree, first: Composition, run_id: str) -> int:
    from lvm_experiments.sweeps.plan import make_plan
    from lvm_experiments.sweeps.run import run_sweep

    return run_sweep(make_plan(line.overrides, first, tree, line.config_name, run_id))


def _agreed(launch: Launch, run_id: str) -> str:
    found = launch.agreed(run_id)
    if found is None:
        raise RequestError(
            f"every process {launch.by} starts would make a folder of its own",
            hint="give them one with hydra.run.dir=DIR",
        )
    return found


def _refuse_launcher(launch: Launch | None, where: str) -> None:
    if launch is not None:
        raise RequestError("its processes are started by itself", where=where, hint="leave out the launcher around it")


def _refuse_other_number(launch: Launch, trainer: Mapping[str, Any]) -> None:
    from lvm_experiments.sweeps.engine import devices_of

    devices = devices_of(trainer)
    nodes = trainer.get("num_nodes", 1)
    if None not in (devices, launch.world) and devices * nodes != launch.world:
        raise RequestError(
            f"{launch.by} has started {launch.world} processes, and this asks for {devices * nodes}",
            where="trainer.devices",
            hint="choose trainer=ddp with as many devices",
        )


def _refuse_second_run(path: Path) -> None:
    if (path / "status.json").exists() and is_rank_zero():
        hint = f"resume={path} goes on with it"
        raise RequestError("there is a run in this folder already", where=str(path), hint=hint)


def _refuse_place(path: Path) -> None:
    """Refuses a folder that cannot be made, without making it."""
    above = next(folder for folder in (path, *path.parents) if os.path.exists(folder))
    if not above.is_dir():
        raise _unwritable(path, f"{above} is no folder")
    if not os.access(above, os.W_OK):
        raise _unwritable(path, "permission denied")


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error


def _unwritable(path: Path, why: str) -> RequestError:
    hint = "choose another folder with paths.root=DIR"
    return RequestError(f"cannot write to {path} ({why})", where="paths.root", hint=hint)


def _with_hydra(line: CommandLine, more: Sequence[str], tree: ConfigTree, run_id: str) -> int:
    """Lets Hydra do what the command line says; a single run leaves its exit code in `codes`."""
    import hydra

    from lvm_experiments.configuration.resolvers import register_resolvers

    codes: list[int] = []

    def task(config: DictConfig) -> None:
        _task(config, tree, codes)

    register_resolvers(run_id or None)
    before = sys.argv
    sys.argv = [before[0], *line.flags, *line.overrides, *more]
    try:
        decorate = hydra.main(version_base=None, config_path=str(tree.folders[0]), config_name="config")
        decorate(task)()
    finally:
        sys.argv = before
    return codes[0] if codes else 0


def _task(config: DictConfig, tree: ConfigTree, codes: list[int]) -> None:
    from hydra.core.hydra_config import HydraConfig

    from lvm_experiments.configuration import check
    from lvm_experiments.configuration.keys import to_plain
    from lvm_experiments.configuration.places import with_absolute_paths
    from lvm_experiments.runs.folder import RunFolder

    folder = RunFolder(HydraConfig.get().runtime.output_dir)

    def job() -> int:
        plain = with_absolute_paths(to_plain(config, resolve=True))
        check(plain, tree=tree)
        look_in(tree.folders, plain["allow_targets"])
        return _start(folder, plain)

    codes.append(guarded(job, folder))


def _start(folder: RunFolder, config: dict[str, Any], *, resumes: bool = False) -> int:
    """Writes what is to be run and runs it: here, or in a program that may start itself again.

    Arguments:
        folder: The run's folder.
        config: Resolved and checked.
        resumes: Whether the folder may hold a run already, to go on with.
    """
    if is_rank_zero():
        launch = find_launch()
        if not resumes and (launch is None or not launch.again):
            _refuse_second_run(folder.path)
        folder.create()
        folder.write_config(config)
    if starts_processes(config["trainer"]):
        words = command(folder, config["allow_targets"])
        sys.stdout.flush()
        os.execv(words[0], words)
    from lvm_experiments.experiment import run

    if (launch := find_launch()) is not None:
        tell_lightning(launch)
    run(config, folder)
    return 0


def _resume(line: CommandLine, tree: ConfigTree) -> int:
    """Goes on with the run in a folder: with what the folder says, but for what may change."""
    from lvm_experiments.configuration import check, parse_override
    from lvm_experiments.configuration.stored import with_changes
    from lvm_experiments.runs.folder import RunFolder
    from lvm_experiments.runs.resume import resume_config
    from lvm_experiments.runs.status import read_status

    if line.multirun:
        raise RequestError("one run goes on at a time", where="resume", hint="leave out -m")
    given = {o.key_or_group: o.value() for o in map(parse_override, line.overrides)}
    folder = RunFolder(str(given["resume"]))
    stored = folder.read_config()
    allow = given.get("allow_targets") or []
    if not isinstance(allow, list):
        raise RequestError("expected a list", where="allow_targets", hint="as in allow_targets=[a.b]")
    allow = [str(name) for name in allow]
    trust(stored, allow)
    words = [word for word in line.overrides if parse_override(word).key_or_group != "resume"]
    config = resume_config(stored, with_changes(stored, words, tree, folder.path))
    # What it started from is in its checkpoint by now.
    check(config | {"ckpt_path": None} if folder.last.exists() else config, allow, tree=tree)
    status = read_status(folder) if folder.status.exists() else {"state": None}
    if status["state"] == "running" and is_rank_zero():  # the first process may be quicker than the others
        who = f"process {status['pid']} on {status['host']}"
        raise RequestError(f"{who} is running it", where=str(folder.path))
    from lvm_experiments.runs.rewind import refuse_shorter

    # Only now, since it reads a checkpoint and so imports torch.
    refuse_shorter(folder, config["trainer"])
    if status["state"] == "completed" and folder.results.exists() and config == stored:
        print(f"Nothing to do: the run in {folder.path} is complete")
        return 0
    return guarded(lambda: _start(folder, config, resumes=True), folder)
