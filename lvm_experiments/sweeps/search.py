"""A search for the best values with Optuna: trials are ordinary jobs, what is known of them is in a data base.

Whatever is killed, the same command goes on: a trial that was under way keeps its number, its values and its
checkpoint, and no trial is drawn twice.
"""

from __future__ import annotations

__all__ = ["Search", "search"]

import math
import shlex
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from lvm_experiments.configuration.command_line import CommandLine
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import Interrupted, RequestError
from lvm_experiments.reports.paths import shortened
from lvm_experiments.reports.significant import significant
from lvm_experiments.runs.files import read_json, write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.lock import FolderLock
from lvm_experiments.runs.status import set_state
from lvm_experiments.sweeps.engine import make_engine
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.outcome import state_of
from lvm_experiments.sweeps.runner import Runner
from lvm_experiments.sweeps.search_plan import SearchPlan, make_search_plan
from lvm_experiments.sweeps.search_space import Dimension

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

_DATA_BASE = "study.db"
_STUDY = "search"
_STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING")
_SHOWN = 5  # trials named at the end


def search(line: CommandLine, tree: ConfigTree) -> int:
    """Runs a search, or goes on with it; gives the exit code: 1 where no trial was completed, or it is not at its end.

    Arguments:
        line: The command line, with `hparams_search=NAME` on it.
        tree: Where the configuration files are.

    Raises:
        RequestError: For what is wrong with the request, before anything is written.
        Interrupted: By SIGTERM or Ctrl-C; the same command goes on.
    """
    if find_spec("optuna") is None:
        hint = "pip install 'lvm_experiments[optuna]'"
        raise RequestError("optuna is not installed", where="hparams_search", hint=hint)
    plan = make_search_plan(line.overrides, line.config_name, tree)
    if plan.sweep.dry_run:
        _show(plan)
        return 0
    lock = FolderLock(plan.folder / ".search.lock")
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        taken = lock.acquire()
    except OSError as error:
        hint = "choose another folder with paths.root=DIR"
        raise RequestError(
            f"cannot write to {plan.folder} ({error.strerror})", where="paths.root", hint=hint
        ) from error
    if not taken:
        raise RequestError("another process searches here", where=str(plan.folder), hint="wait for it, or stop it")
    try:
        return Search(plan).run()
    finally:
        lock.release()


class Search:
    """A search under way.

    Arguments:
        plan: What is asked for.

    Raises:
        RequestError: What lies in its folder is another search.
    """

    def __init__(self, plan: SearchPlan) -> None:
        import optuna

        from lvm_experiments.callbacks.pruning import open_storage

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.plan = plan
        self.study: Study = optuna.create_study(
            study_name=_STUDY,
            storage=open_storage(plan.folder / _DATA_BASE),
            direction="maximize" if plan.maximise else "minimize",
            load_if_exists=True,
        )
        before = self.study.user_attrs.get("identity")
        if before is None:
            self.study.set_user_attr("identity", plan.identity)
        elif before != plan.identity:
            key = next(key for key in {**before, **plan.identity} if before.get(key) != plan.identity.get(key))
            raise RequestError(
                f"is another search: {key} is {before.get(key)} there and {plan.identity.get(key)} now",
                where=str(plan.folder),
                hint="ask for the same, or for another search with sweep.name=NAME",
            )

    def run(self) -> int:
        """Goes on to the number of trials asked for.

        Raises:
            RequestError: What should start the trials is not there.
            Interrupted: By a signal, once the trials under way have saved what they have.
        """
        plan, tasks = self.plan, self._tasks()
        engine = make_engine(plan.launcher, plan.allow)
        engine.open(plan.folder, [], plan.settings.slots)
        print(f"{shortened(plan.folder)}: {plan.question}", flush=True)
        further = lambda: next(tasks, None)  # noqa: E731 - no more than that
        runner = Runner(engine, plan.sweep, self._ended, further=further, at_once=plan.settings.slots)
        try:
            runner.run()
        except Interrupted:
            print("interrupted; the same command goes on", flush=True)
            raise
        return self._conclude()

    def _tasks(self) -> Iterator[Task]:
        """Trials that were under way when a search was killed, then new ones."""
        import optuna

        for frozen in self.study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
            # Its constructor goes on with the trial of this identity.
            yield from self._prepared(optuna.trial.Trial(self.study, frozen._trial_id))
        while len(self.study.trials) < self.plan.settings.n_trials:
            self._settle_all()
            self.study.sampler = self._sampler(len(self.study.trials), "")
            yield from self._prepared(self.study.ask())

    def _prepared(self, trial: Trial) -> Iterator[Task]:
        """A trial, ready to run; none where there is nothing left to run."""
        folder = RunFolder(self.plan.folder / f"trial-{trial.number:04d}")
        point = {one.key: self._suggest(trial, one) for one in self.plan.space}
        self._record(folder, point)
        if self._settle(trial.number):
            return  # the search was killed between its end and the note of it
        try:
            config, launcher = self.plan.job(point)
            if folder.config.exists():
                config = folder.read_config()
            else:
                config["callbacks"] = {**(config["callbacks"] or {}), "pruning": self._pruning(trial.number)}
                folder.create()
                folder.write_config(config)
            if not folder.status.exists():
                set_state(folder, "queued")
        except RequestError as error:
            set_state(folder, "refused", reason=str(error))
            self._settle(trial.number)
            return
        yield Task(folder.path.name, folder, self.plan.values(point), config, launcher)

    def _suggest(self, trial: Trial, one: Dimension) -> str:
        # A stream for each trial and key: what is drawn does not depend on how often the search was started.
        self.study.sampler = self._sampler(trial.number, one.key)
        return one.suggest(trial)

    def _sampler(self, number: int, key: str) -> Any:
        from optuna.samplers import RandomSampler, TPESampler

        settings = self.plan.settings
        words = [settings.seed, number, *key.encode()]
        seed = int(np.random.SeedSequence(words).generate_state(1)[0])
        if settings.sampler == "random":
            return RandomSampler(seed=seed)
        # Trials under way count as bad ones, so that those at the same time do not all try the same.
        return TPESampler(seed=seed, n_startup_trials=settings.startup_trials, constant_liar=settings.slots > 1)

    def _pruning(self, number: int) -> dict[str, Any]:
        settings = self.plan.settings
        return {
            "_target_": "lvm_experiments.callbacks.Pruning",
            "storage": f"../{_DATA_BASE}",
            "study": _STUDY,
            "trial": number,
            "pruner": settings.pruner,
            "startup_trials": settings.startup_trials,
            "warmup_epochs": settings.warmup_epochs,
        }

    def _record(self, folder: RunFolder, point: dict[str, str]) -> None:
        """Notes a trial in sweep.json, as a job of any sweep."""
        path, plan = self.plan.folder / "sweep.json", self.plan
        record: dict[str, Any] = {"name": plan.name, "question": plan.question, "fixed": list(plan.fixed), "jobs": []}
        record["swept"] = [one.key for one in plan.space]
        if path.exists():
            record["jobs"] = read_json(path)["jobs"]
        if folder.path.name not in [job["folder"] for job in record["jobs"]]:
            record["jobs"].append({"folder": folder.path.name, "point": plan.values(point)})
            write_json(path, record)

    def _ended(self, task: Task, facts: dict[str, Any]) -> None:
        if not self._settle(int(task.name.rpartition("-")[2])):
            print(f"{task.name} {facts['state']}: {facts['reason']}", flush=True)

    def _settle_all(self) -> None:
        """Trials that others have seen to the end: a search on another machine that was killed."""
        for trial in self.study.trials:
            if trial.state.name == "RUNNING":
                self._settle(trial.number)

    def _settle(self, number: int) -> bool:
        """Tells the study how a trial ended; False for one that has not. No value of a trial can stop the search."""
        from optuna.trial import TrialState

        trial = self.study.trials[number]
        facts = state_of(RunFolder(self.plan.folder / f"trial-{number:04d}"))
        state, pruned = facts["state"], "pruned" in trial.user_attrs
        if state not in ("completed", "failed", "refused") and not (pruned and state == "interrupted"):
            return False
        if trial.state.is_finished():
            return True
        values = [value for value in trial.intermediate_values.values() if math.isfinite(value)]
        best = (max if self.plan.maximise else min)(values, default=None)
        if pruned:
            self.study.tell(number, state=TrialState.PRUNED)
        elif state == "completed" and best is not None:
            self.study.tell(number, best)
        else:
            self.study.tell(number, state=TrialState.FAIL)
        self._say(self.study.trials[number], facts["reason"] or f"no finite {self.plan.monitor} was measured")
        return True

    def _say(self, trial: FrozenTrial, reason: str | None) -> None:
        words = " ".join(f"{key}={_short(value)}" for key, value in trial.params.items())
        value = "" if trial.value is None else f"  {self.plan.monitor} {significant(trial.value)}"
        why = f"  {reason}" if reason and trial.state.name != "COMPLETE" else ""
        print(f"trial {trial.number:<4d} {trial.state.name.lower():<8s}{value}  {words}{why}", flush=True)

    def _conclude(self) -> int:
        self._settle_all()
        trials = self.study.trials
        counts = {name: sum(t.state.name == name for t in trials) for name in _STATES}
        told = ", ".join(f"{number} {name.lower()}" for name, number in counts.items() if number)
        print(f"\n{len(trials)} trials: {told}")
        done = [(trial.value, trial) for trial in trials if trial.state.name == "COMPLETE" and trial.value is not None]
        if not done:
            print("No trial was completed; their folders say why.")
            return 1
        done.sort(key=lambda pair: -pair[0] if self.plan.maximise else pair[0])
        best = done[0][1]
        for _, trial in done[:_SHOWN]:
            self._say(trial, None)
        words = [*self._words(), *(f"{one.key}={_text(best.params[one.key])}" for one in self.plan.space)]
        print(f"\nThe best again, by itself:\n  python -m lvm_experiments {shlex.join(words)}")
        if counts["RUNNING"] or len(trials) < self.plan.settings.n_trials:
            print("\nThe same command goes on with what is not at its end.")
            return 1
        return 0

    def _words(self) -> Sequence[str]:
        return [word for word in self.plan.fixed if not word.startswith(("hparams_search", "sweep."))]


def _show(plan: SearchPlan) -> None:
    """What would be searched."""
    print(f"{plan.question}\n")
    for one in plan.space:
        print(f"  {one.word}")
    way = "maximised" if plan.maximise else "minimised"
    print(f"\n{plan.settings.n_trials} trials, {plan.settings.slots} at a time, {plan.monitor} {way}; nothing was run")
    print(f"They would be in {shortened(plan.folder)}")


def _short(value: Any) -> str:
    return significant(value) if isinstance(value, float) else str(value)


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
