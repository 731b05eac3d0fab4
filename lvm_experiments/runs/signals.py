"""SIGTERM and Ctrl-C as an exception that says which of them it was."""

from __future__ import annotations

__all__ = ["Signals"]

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from lvm_experiments.errors import Interrupted

Handler = Callable[[int, FrameType | None], None]


class Signals:
    """While entered, gives the first SIGINT or SIGTERM to `react`.

    A second one does what it does to any program.

    Arguments:
        react: Called with the signal's number. By default raises `Interrupted` where the program
            stands, after passing the signal on to forked processes, which would else go on alone.

    Example:
        >>> received = []
        >>> with Signals(received.append):
        ...     signal.raise_signal(signal.SIGTERM)
        >>> received == [signal.SIGTERM]
        True
    """

    numbers = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, react: Callable[[int], Any] | None = None) -> None:
        self.react = react or stop
        self._before: dict[int, Any] = {}
        self._received = False

    def __enter__(self) -> Signals:
        self._received = False
        # Python delivers signals to the main thread only, and lets no other thread ask for them.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in self.numbers}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # None: installed by something other than Python, which Python cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._received:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            signal.raise_signal(number)
            return
        self._received = True
        self.react(number)


def stop(number: int) -> None:
    """Passes the signal on to this process's children and raises.

    Raises:
        Interrupted: Always.
    """
    for child in multiprocessing.active_children():
        if child.pid is not None:
            os.kill(child.pid, number)
    raise Interrupted(number)
