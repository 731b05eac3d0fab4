"""Runs the jobs of a sweep to their ends, whatever happens to any of them."""

from __future__ import annotations

__all__ = ["Runner"]

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lvm_experiments.configuration.settings import SweepSettings
from lvm_experiments.errors import Interrupted
from lvm_experiments.runs.signals import Signals
from lvm_experiments.runs.status import set_state
from lvm_experiments.sweeps.claim import Claims
from lvm_experiments.sweeps.engine import Engine
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.outcome import settle, state_of

_LOOK = 0.2  # seconds between two looks at signals and clocks
_ELSEWHERE = 1.0  # and at what other commands do

Report = Callable[[Task, dict[str, Any]], None]


@dataclass
class _Running:
    task: Task
    attempt: int
    since: float = field(default_factory=time.monotonic)
    because: str | None = None
    kill_at: float | None = None


class Runner:
    """Takes jobs from a queue, claims them, hands them to an engine, and sees to how they end.

    A job is run once: by this command, or by another that works on the same sweep, whose jobs are waited for. Only
    where such a command ends before its time, its jobs are taken over.

    Arguments:
        engine: Starts them.
        settings: How the sweep is run.
        report: Told of every job that has ended here, with its status.
        further: Asked for another job whenever there are fewer than `at_once`, until it has none.
        at_once: How many of those.
    """

    def __init__(
        self,
        engine: Engine,
        settings: SweepSettings,
        report: Report,
        *,
        further: Callable[[], Task | None] | None = None,
        at_once: int = 1,
    ) -> None:
        self.engine, self.settings, self.report = engine, settings, report
        self._further, self._at_once = further, at_once
        self._queue: deque[Task] = deque()
        self._elsewhere: list[Task] = []
        self._running: dict[str, _Running] = {}
        self._before: dict[str, int] = {}
        self._signals: list[int] = []
        self._killed = False
        self._stopping = False
        self._looked = 0.0

    def run(self, tasks: Sequence[Task] = ()) -> None:
        """Until every job has ended, here or elsewhere.

        Arguments:
            tasks: Those that could be composed.

        Raises:
            Interrupted: By a signal, once every running job has saved what it has.
        """
        todo = self._due(tasks)
        if not todo and self._further is None:
            return
        with Claims() as claims, _Counting(self._signals):
            self._claims = claims
            try:
                self._queue.extend(self._without_refused(todo))
                while self._queue or self._running or self._elsewhere or self._further is not None:
                    self._turn()
                    if self._stopping and not self._running:
                        break
            finally:
                for running in self._running.values():
                    self.engine.kill(running.task)
                self.engine.close()
        if self._signals:
            raise Interrupted(self._signals[0])

    def _due(self, tasks: Sequence[Task]) -> list[Task]:
        """Those that are to be run, by the status they have now."""
        states = {task.name: state_of(task.folder) for task in tasks}
        self._before |= {name: facts.get("attempt", 0) for name, facts in states.items()}
        return [task for task in tasks if self._is_due(states[task.name])]

    def _is_due(self, facts: dict[str, Any]) -> bool:
        """Whether a job is still to be run, by the status it had when this command began."""
        if facts["state"] == "failed":
            return self.settings.retry
        return facts["state"] != "completed"

    def _without_refused(self, tasks: list[Task]) -> list[Task]:
        refusals = self.engine.refusals([task for task in tasks if not self._is_over(task)])
        for task in tasks:
            reason = refusals.get(task.name) or self.engine.impossible(task)
            if reason is not None:
                refusals[task.name] = reason
                set_state(task.folder, "refused", reason=reason)
                self.report(task, state_of(task.folder))
        return [task for task in tasks if task.name not in refusals]

    def _turn(self) -> None:
        if not self._stopping:
            self._look_elsewhere()
            self._ask_for_more()
            self._start_some()
        if not self._running:
            time.sleep(_LOOK if self._queue or self._elsewhere else 0.0)
        else:
            for name, code in self.engine.wait(_LOOK).items():
                self._end(self._running.pop(name), code)
        self._heed_signals()
        self._watch_clocks()

    def _ask_for_more(self) -> None:
        while self._further is not None and not self._signals:
            if len(self._queue) + len(self._running) + len(self._elsewhere) >= self._at_once:
                return
            task = self._further()
            if task is None:
                self._further = None
                return
            self.engine.expect(task)
            self._queue.extend(self._without_refused(self._due([task])))

    def _start_some(self) -> None:
        while self._queue and not self._signals:
            task = self._queue[0]
            if not self.engine.room(task):
                break
            self._queue.popleft()
            if self._claim(task):
                self._start(task)
            else:
                self.engine.leave(task)
        self.engine.submit()

    def _claim(self, task: Task) -> bool:
        """Whether a job is this command's to run."""
        if not self._claims.take(task.folder.path):
            self._elsewhere.append(task)
            return False
        # Looked at only now: until the claim somebody else may have run it.
        if self._is_over(task):
            self._claims.release(task.folder.path)
            return False
        if state_of(task.folder)["state"] == "running" and not self.engine.attach(task):
            self._claims.release(task.folder.path)
            self._elsewhere.append(task)
            return False
        return True

    def _start(self, task: Task) -> None:
        facts = state_of(task.folder)
        # Of one that is attached to while it runs, the attempt is the one that has begun.
        running = _Running(task, facts.get("attempt", 0) - (facts["state"] == "running"))
        self._running[task.name] = running
        if self.engine.attach(task):
            return
        assert task.config is not None
        if task.folder.read_config() != task.config:
            task.folder.write_config(task.config)  # loggers and folders may differ from the last time
        self.engine.start(task)

    def _is_over(self, task: Task) -> bool:
        """Whether a job has ended since this command began, or before in a way that is not tried again."""
        facts = state_of(task.folder)
        if facts["state"] in ("failed", "refused") and facts.get("attempt", 0) > self._before[task.name]:
            return True
        return not self._is_due(facts)

    def _end(self, running: _Running, code: int) -> None:
        task = running.task
        if code == 2 and state_of(task.folder)["state"] == "running":
            # Another has it, whom the claim did not tell of.
            self._claims.release(task.folder.path)
            self._elsewhere.append(task)
            return
        facts = settle(task.folder, code, attempt=running.attempt, because=running.because)
        self._claims.release(task.folder.path)
        self.report(task, facts)
        if self.settings.fail_fast and facts["state"] in ("failed", "refused") and not self._stopping:
            self._stop()

    def _look_elsewhere(self) -> None:
        if not self._elsewhere or time.monotonic() - self._looked < _ELSEWHERE:
            return
        self._looked = time.monotonic()
        waiting, self._elsewhere = self._elsewhere, []
        for task in waiting:
            if not self._is_over(task):
                free = state_of(task.folder)["state"] != "running" and self._claims.take(task.folder.path)
                (self._queue if free else self._elsewhere).append(task)

    def _heed_signals(self) -> None:
        if self._signals and not self._stopping:
            self._stop()
        if len(self._signals) > 1 and not self._killed:
            self._killed = True
            for running in self._running.values():
                self.engine.kill(running.task)

    def _stop(self) -> None:
        """Starts no more, and lets those that run save what they have."""
        self._stopping = True
        self._further = None
        self._queue.clear()
        self._elsewhere.clear()
        for running in self._running.values():
            self.engine.interrupt(running.task)

    def _watch_clocks(self) -> None:
        limit, time_now = self.settings.timeout, time.monotonic()
        for running in self._running.values():
            if limit is not None and not self.engine.has_begun(running.task):
                running.since = time_now
            elif limit is not None and running.because is None and time_now - running.since > limit:
                running.because = f"timed out after {limit:g} s"
                running.kill_at = time_now + self.settings.grace
                self.engine.interrupt(running.task)
            elif running.kill_at is not None and time_now > running.kill_at:
                running.kill_at = None
                self.engine.kill(running.task)


class _Counting(Signals):
    """Notes every signal, the second one too."""

    def __init__(self, received: list[int]) -> None:
        super().__init__(received.append)

    def _handle(self, number: int, frame: Any) -> None:
        self.react(number)
