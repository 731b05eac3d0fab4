from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lvm_experiments.configuration.command_line import read_command_line
from lvm_experiments.errors import RequestError


@pytest.mark.parametrize(
    "words", list(itertools.permutations(["-m", "seed=0,1", "model.latent_dim=2,3"])), ids=" ".join
)
def test_flags_may_stand_anywhere(words: tuple[str, ...]) -> None:
    line = read_command_line(words)
    assert line.multirun
    assert line.flags == ("--multirun",)
    assert set(line.overrides) == {"seed=0,1", "model.latent_dim=2,3"}


def test_values_of_flags() -> None:
    line = read_command_line(["a=1", "-c", "job", "-p", "model", "b=2", "--resolve", "-cd=x", "--config-name", "other"])
    assert line.overrides == ("a=1", "b=2")
    assert line.flags == (
        "--resolve", "--cfg", "job", "--package", "model", "--config-name", "other", "--config-dir", "x"
    )  # fmt: skip
    assert (line.config_name, line.config_dir, line.shows) == ("other", Path("x"), True)


def test_overrides_that_begin_with_signs() -> None:
    assert read_command_line(["~a", "+b=1", "++c=-1", "d=-1"]).overrides == ("~a", "+b=1", "++c=-1", "d=-1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--hlep"], "--hlep: no such flag; did you mean --help?"),
        (["--zzz"], "--zzz: no such flag; see --help"),
        (["--cfg"], "argument --cfg/-c: expected one argument; see --help"),
        (["-m", "--cfg", "job"], "--multirun --cfg: only one of them at a time"),
        (["--resolve"], "--resolve: says how --cfg shows a configuration; write --cfg job --resolve"),
        (["-p", "model"], "--package: says what --cfg shows of a configuration; write --cfg job -p model"),
        (["--experimental-rerun", "x.pickle"], "--experimental-rerun: no such flag; see --help"),
    ],
)
def test_wrong_flags(words: list[str], expected: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_command_line(words)
    assert str(caught.value) == expected


def test_the_last_value_counts() -> None:
    line = read_command_line(["resume=a", "resume=b=c", "other.resume=d"])
    assert line.value_of("resume") == "b=c"
    assert line.value_of("seed") is None
