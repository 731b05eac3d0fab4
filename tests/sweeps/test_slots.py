from __future__ import annotations

from pathlib import Path

from lvm_experiments.sweeps.slots import Slots


def test_a_job_has_no_gpu_twice(tmp_path: Path) -> None:
    slots = Slots(tmp_path, ["0", "1", "0", "1"])  # halves
    assert slots.take("a", 2) == ["0", "1"]
    assert slots.take("b", 2) == ["0", "1"]
    assert slots.take("c", 1) is None
    slots.give_back("a")
    assert slots.take("c", 1) == ["0"]
    assert slots.take("d", 2) is None
    assert slots.take("e", 1) == ["1"]


def test_places_are_kept_until_given_back(tmp_path: Path) -> None:
    slots = Slots(tmp_path, ["", ""])
    assert slots.take("a", 1) == [""]
    assert slots.take("a", 1) == [""]
    assert slots.take("b", 1) == [""]
    assert slots.take("c", 1) is None


def test_two_commands_share_the_places(tmp_path: Path) -> None:
    one, other = Slots(tmp_path, ["0"]), Slots(tmp_path, ["0"])
    assert one.take("a", 1) == ["0"]
    assert other.take("b", 1) is None
    one.give_back("a")
    assert other.take("b", 1) == ["0"]
