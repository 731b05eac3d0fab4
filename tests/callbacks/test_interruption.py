from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Callback

from lvm_experiments.errors import Interrupted
from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from tests.callbacks.linear import start, train, wait_for


class Send(Callback):
    """Sends this process a signal in the n-th call of a hook."""

    def __init__(self, number: int, hook: str, call: int) -> None:
        self.number, self.left = number, call
        setattr(self, hook, self._send)

    def _send(self, *args: Any) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_saves_within_the_epoch_and_goes_on_exactly(number: int, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised:
        train(tmp_path / "a", callbacks={"send": Send(number, "on_train_batch_start", 9)})
    assert raised.value.signal == number
    assert signal.getsignal(number) == before
    folder = RunFolder(tmp_path / "a")
    status = read_status(folder)
    assert (status["state"], status["exit_code"]) == ("interrupted", 128 + number)
    assert not folder.traceback.exists()
    last = read_checkpoint(folder.last)
    assert last["global_step"] == 9  # the batch it came in was finished
    assert last["loops"]["fit_loop"]["state_dict"]["combined_loader"] == [{"epoch": 1, "position": 3}]
    _, model = train(tmp_path / "a")
    _, whole = train(tmp_path / "whole")
    assert {k: v.tolist() for k, v in model.state_dict().items()} == {
        k: v.tolist() for k, v in whole.state_dict().items()
    }
    _same_history(folder.path, tmp_path / "whole")


@pytest.mark.parametrize(
    ("hook", "call", "step"),
    [
        ("on_validation_batch_start", 4, 6),  # nothing of a half validated epoch is kept
        ("on_train_batch_start", 12, 6),  # nor of one that is to be validated
        ("on_train_epoch_end", 2, 12),  # but all of one that is over
        ("on_train_end", 1, 24),
    ],
)
def test_it_stops_where_it_can_be_gone_on_from(hook: str, call: int, step: int, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path / "a", callbacks={"send": Send(signal.SIGTERM, hook, call)})
    assert read_checkpoint(RunFolder(tmp_path / "a").last)["global_step"] == step
    train(tmp_path / "a")
    train(tmp_path / "whole")
    _same_history(tmp_path / "a", tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_stop(number: int, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    process = start(tmp_path, epochs=1000, pause=0.005)
    wait_for(folder.last.exists)
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join(20)
    assert process.exitcode == 128 + number
    assert read_status(folder)["state"] == "interrupted"


def test_a_second_signal_is_not_held_up(tmp_path: Path) -> None:
    folder, reached = RunFolder(tmp_path), tmp_path / "reached"

    class Mark(Callback):
        def on_train_batch_start(self, *args: Any) -> None:
            reached.touch()

    process = start(tmp_path, pause=30.0, callbacks={"mark": Mark()})
    wait_for(reached.exists)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    time.sleep(0.1)
    assert process.is_alive()  # the batch takes half a minute
    os.kill(process.pid, signal.SIGTERM)
    process.join(20)
    assert process.exitcode == -signal.SIGTERM
    assert read_status(folder)["state"] == "stale"


def test_two_processes_stop_together(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a")
    options: dict[str, Any] = {"strategy": "ddp_fork", "devices": 2, "epochs": 3}
    process = start(folder.path, pause=0.02, **options)
    wait_for(folder.last.exists)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    process.join(30)
    assert process.exitcode == 128 + signal.SIGTERM
    assert read_status(folder)["state"] == "interrupted"
    last = read_checkpoint(folder.last)
    assert len(last["random"]) == 2
    assert 6 <= last["global_step"] < 18
    for path in (folder.path, tmp_path / "whole"):
        process = start(path, **options)
        process.join(60)
        assert process.exitcode == 0
    _same_history(folder.path, tmp_path / "whole")


def _same_history(path: Path, other: Path) -> None:
    assert (path / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    best, whole = (read_checkpoint(RunFolder(p).best)["state_dict"] for p in (path, other))
    assert {k: v.tolist() for k, v in best.items()} == {k: v.tolist() for k, v in whole.items()}
