from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.errors import Interrupted, RequestError, RunError
from lvm_experiments.runs import RunFolder, Status, read_status, set_state

HOLD = """
import sys, time
from lvm_experiments.runs import RunFolder, Status
with Status(RunFolder(sys.argv[1])):
    print("running", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def hold(folder: RunFolder) -> subprocess.Popen[str]:
    """Another process that runs in the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


def test_facts(folder: RunFolder) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with Status(folder):
        pass
    facts = read_status(folder)
    assert facts["pid"] == os.getpid()
    assert facts["exit_code"] == 0
    assert facts["reason"] is None
    times = [datetime.fromisoformat(facts[k]) for k in ("created", "started", "finished")]
    assert before < times[0] <= times[1] <= times[2] <= datetime.now(UTC)
    assert facts["versions"]["python"] == sys.version.split()[0]
    assert {"torch", "pytorch-lightning", "hydra-core", "omegaconf", "wandb"} < set(facts["versions"])
    assert facts["git"] is None or set(facts["git"]) == {"commit", "diff_sha256"}


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (Interrupted(15), "interrupted", 143),
        (KeyboardInterrupt(), "interrupted", 130),
        (RequestError("wrong"), "refused", 2),
        (RunError("diverged"), "failed", 1),
        (ZeroDivisionError("by zero\nand more"), "failed", 1),
        (SystemExit(0), "completed", 0),
        (SystemExit(3), "failed", 1),
    ],
)
def test_the_state_tells_how_it_ended(error: BaseException, state: str, code: int, folder: RunFolder) -> None:
    with pytest.raises(type(error)), Status(folder):
        raise error
    facts = read_status(folder)
    assert (facts["state"], facts["exit_code"]) == (state, code)
    assert folder.traceback.exists() == (state == "failed")
    assert "\n" not in (facts["reason"] or "")


def test_a_failure_keeps_its_whole_traceback(folder: RunFolder) -> None:
    def deep() -> None:
        raise ValueError("deep down") from KeyError("cause")

    with pytest.raises(ValueError, match="deep"), Status(folder):
        deep()
    text = folder.traceback.read_text()
    assert "in deep" in text
    assert "KeyError: 'cause'" in text
    assert read_status(folder)["reason"] == "ValueError: deep down"


def test_a_keyboard_interrupt_behind_an_exit_is_an_interruption(folder: RunFolder) -> None:
    def leave() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)

    with pytest.raises(SystemExit), Status(folder):
        leave()
    assert read_status(folder)["state"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_outside_training_interrupts_at_once(number: int, folder: RunFolder) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted), Status(folder):
        signal.raise_signal(number)
    assert read_status(folder)["exit_code"] == 128 + number
    assert signal.getsignal(number) is before


def beats_after(folder: RunFolder, moment: datetime) -> bool:
    """Whether a sign of life later than this comes within some seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if datetime.fromisoformat(read_status(folder)["heartbeat"]) > moment:
            return True
        time.sleep(0.01)
    return False


def test_the_heartbeat_goes_on_and_stops(folder: RunFolder) -> None:
    with Status(folder, heartbeat=0.02):
        assert beats_after(folder, datetime.now(UTC))
        assert beats_after(folder, datetime.now(UTC))
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]
    last = folder.status.read_bytes()
    time.sleep(0.1)
    assert folder.status.read_bytes() == last


def test_a_heartbeat_that_cannot_be_written_does_not_end_the_run(folder: RunFolder) -> None:
    with Status(folder, heartbeat=0.02):
        moved = folder.path.rename(folder.path.with_name("away"))
        folder.path.write_text("in the way")
        time.sleep(0.1)
        folder.path.unlink()
        moved.rename(folder.path)
        assert beats_after(folder, datetime.now(UTC))


def test_a_second_process_is_refused_until_the_first_is_gone(folder: RunFolder) -> None:
    process = hold(folder)
    before = folder.status.read_bytes()
    with pytest.raises(RequestError, match=f"in use by process {process.pid}"), Status(folder):
        pytest.fail("not reached")
    assert folder.status.read_bytes() == before
    process.kill()
    process.wait()
    assert read_status(folder)["state"] == "stale"
    with Status(folder):
        assert read_status(folder)["attempt"] == 2
    assert read_status(folder)["created"] == json.loads(before)["created"]


def test_a_second_run_of_the_same_process_is_refused_and_changes_nothing(
    folder: RunFolder,
) -> None:
    with Status(folder):
        with pytest.raises(RequestError, match="in use"), Status(folder):
            pytest.fail("not reached")
        # The lock is still held: leaving the refused one has not given it away.
        with pytest.raises(subprocess.CalledProcessError) as raised:
            subprocess.run([sys.executable, "-c", HOLD, str(folder.path)], check=True, capture_output=True)
        assert b"in use" in raised.value.stderr
    assert read_status(folder)["state"] == "completed"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"age": 5}, "running"),
        ({"age": 500}, "stale"),  # its number may have been given away
        ({"age": 5, "host": "elsewhere"}, "running"),
        ({"age": 500, "host": "elsewhere"}, "stale"),
        ({"age": 5, "pid": 2**22 + 1}, "stale"),
        ({"age": 5, "pid": 2**22 + 1, "host": "elsewhere"}, "running"),
        ({"age": 500, "state": "completed"}, "completed"),
    ],
)
def test_a_run_is_stale_when_its_process_is_gone(changes: dict[str, Any], state: str, folder: RunFolder) -> None:
    with Status(folder):
        facts = read_status(folder)
    beat = datetime.now(UTC) - timedelta(seconds=changes.pop("age"))
    facts = {**facts, "state": "running", "heartbeat": beat.isoformat(), **changes}
    folder.status.write_text(json.dumps(facts))
    assert read_status(folder)["state"] == state


def test_a_run_on_another_host_is_left_alone_while_it_lives(folder: RunFolder) -> None:
    with Status(folder):
        facts = read_status(folder)
    facts |= {"state": "running", "host": "elsewhere"}
    folder.status.write_text(json.dumps(facts | {"heartbeat": datetime.now(UTC).isoformat()}))
    with pytest.raises(RequestError, match="on elsewhere"), Status(folder):
        pytest.fail("not reached")
    folder.status.write_text(json.dumps(facts | {"heartbeat": "2026-01-01T00:00:00+00:00"}))
    with Status(folder):
        pass


def test_only_the_first_process_writes(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with Status(folder):
        before = folder.status.read_bytes()
        monkeypatch.setenv("LOCAL_RANK", "1")
        with Status(folder):
            pass
        with pytest.raises(ZeroDivisionError), Status(folder):
            raise ZeroDivisionError
        assert folder.status.read_bytes() == before
        assert not folder.traceback.exists()


def test_a_forked_process_owns_nothing_of_it(folder: RunFolder) -> None:
    with Status(folder) as status:
        child = os.fork()
        if child == 0:
            status.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        assert read_status(folder)["state"] == "running"


def test_states_of_runs_nobody_has_begun(folder: RunFolder) -> None:
    set_state(folder, "queued")
    assert read_status(folder)["state"] == "queued"
    set_state(folder, "refused", reason="no such option")
    assert read_status(folder)["reason"] == "no such option"
    with Status(folder):
        assert read_status(folder)["attempt"] == 1
    with pytest.raises(ValueError, match="none of queued"):
        set_state(folder, "done")


def test_nothing_heavy_is_imported_for_it() -> None:
    code = "import sys, lvm_experiments.runs; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "False\n", answer.stderr
