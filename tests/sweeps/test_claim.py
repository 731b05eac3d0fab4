from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.sweeps.claim import Claims
from tests.support.program import FORKS


def write(folder: Path, **facts: object) -> Path:
    path = folder / ".claim"
    path.write_text(json.dumps({"token": "theirs", "host": "elsewhere", "pid": 1, **facts}))
    return path


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_one_of_many_gets_it(tmp_path: Path) -> None:
    claims = [Claims() for _ in range(8)]
    won: list[Claims] = []
    start = threading.Barrier(len(claims))

    def take(one: Claims) -> None:
        start.wait()
        if one.take(tmp_path):
            won.append(one)

    threads = [threading.Thread(target=take, args=(one,)) for one in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) <= 1
    assert sum(one.take(tmp_path) for one in claims) == 1


def test_given_back_it_is_free(tmp_path: Path) -> None:
    with Claims() as one, Claims() as other:
        assert one.take(tmp_path)
        assert one.take(tmp_path)
        assert not other.take(tmp_path)
        one.release(tmp_path)
        assert other.take(tmp_path)
    assert not (tmp_path / ".claim").exists()


def test_of_a_process_that_is_gone_it_is_taken_at_once(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    write(tmp_path, host=os.uname().nodename, pid=child)
    assert Claims().take(tmp_path)


@pytest.mark.parametrize(("seconds", "expected"), [(30.0, False), (1000.0, True)])
def test_of_another_machine_it_is_taken_after_a_long_silence(tmp_path: Path, seconds: float, expected: object) -> None:
    age(write(tmp_path), seconds)
    assert Claims().take(tmp_path) is expected


def test_signs_of_life_keep_it(tmp_path: Path) -> None:
    with Claims(heartbeat=0.02) as one:
        assert one.take(tmp_path)
        age(tmp_path / ".claim", 1000.0)
        before = (tmp_path / ".claim").stat().st_mtime
        time.sleep(0.2)
        assert (tmp_path / ".claim").stat().st_mtime > before
        content = json.loads((tmp_path / ".claim").read_text())
        (tmp_path / ".claim").write_text(json.dumps({**content, "host": "elsewhere"}))
        assert not Claims().take(tmp_path)


def test_what_another_has_taken_over_is_not_given_back(tmp_path: Path) -> None:
    with Claims() as one:
        assert one.take(tmp_path)
        write(tmp_path)
    assert (tmp_path / ".claim").exists()


def test_a_claim_renewed_while_it_was_looked_at_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(path := write(tmp_path), 1000.0)
    late = Claims()
    rename = os.rename

    def quicker(source: Path, target: Path) -> None:
        write(tmp_path, token="new")
        rename(source, target)

    monkeypatch.setattr("os.rename", quicker)
    assert not late.take(tmp_path)
    assert json.loads(path.read_text())["token"] == "new"


def _elsewhere(host: str, folder: Path, orders: Any) -> None:
    """A process that takes itself for one on another machine: its number means nothing to the others."""
    socket.gethostname = lambda: host
    claims = Claims(heartbeat=0.1, silence=1.0)
    with claims:
        while True:
            order = orders.recv()
            orders.send(claims.take(folder) if order == "take" else claims.release(folder))


def test_machines_on_one_file_system_see_each_other_live_and_die(tmp_path: Path) -> None:
    lines, programs = [], []
    for host in ("one", "other", "third"):
        mine, theirs = FORKS.Pipe()
        programs.append(FORKS.Process(target=_elsewhere, args=(host, tmp_path, theirs), daemon=True))
        programs[-1].start()
        lines.append(mine)

    def ask(who: int, order: str) -> object:
        lines[who].send(order)
        assert lines[who].poll(30)
        return lines[who].recv()

    assert ask(0, "take")
    until = time.monotonic() + 2.0  # twice as long as a silence may be
    while time.monotonic() < until:
        assert not ask(1, "take")
        time.sleep(0.1)
    ask(0, "release")
    assert ask(1, "take")
    programs[1].kill()
    programs[1].join()
    killed = time.monotonic()
    won = {0: False, 2: False}
    while not any(won.values()):
        assert time.monotonic() < killed + 10
        won = {who: bool(ask(who, "take")) for who in won}
        time.sleep(0.02)
    assert time.monotonic() - killed > 0.8  # it was given time, since nobody here can see whether it lives
    assert sum(won.values()) == 1
    for program in (programs[0], programs[2]):
        program.kill()
