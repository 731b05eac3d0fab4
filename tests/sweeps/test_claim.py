from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from lvm_experiments.sweeps.claim import Claims


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
