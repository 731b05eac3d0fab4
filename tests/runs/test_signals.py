from __future__ import annotations

import multiprocessing
import signal
import threading
import time

import pytest

from lvm_experiments.errors import Interrupted
from lvm_experiments.runs.signals import Signals


def test_the_second_signal_is_python_s_own() -> None:
    received: list[int] = []
    with Signals(received.append):
        signal.raise_signal(signal.SIGINT)
        assert received == [signal.SIGINT]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGINT]


def test_one_within_another() -> None:
    received: list[int] = []
    with Signals():
        with Signals(received.append):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGTERM)
    assert received == [signal.SIGTERM]


def test_another_thread_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def enter() -> None:
        with Signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


def test_forked_processes_are_told() -> None:
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    with Signals():
        process.start()
        time.sleep(0.2)
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGTERM)
    process.join(10)
    assert process.exitcode not in (0, None)
