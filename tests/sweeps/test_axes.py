from __future__ import annotations

import pytest

from lvm_experiments.configuration import ConfigTree
from lvm_experiments.errors import RequestError
from lvm_experiments.sweeps.axes import grid, read_axes

TREE = ConfigTree.default()


def points(words: list[str], params: dict[str, object] | None = None) -> list[dict[str, object]]:
    return [point for _, point in grid(*read_axes(words, params or {}, TREE))]


def test_the_last_axis_is_the_fastest() -> None:
    assert points(["a=1,2", "b=x", "c=true,null"]) == [
        {"a": 1, "c": True}, {"a": 1, "c": None}, {"a": 2, "c": True}, {"a": 2, "c": None},
    ]  # fmt: skip


def test_words_of_a_job_are_those_of_a_single_run() -> None:
    (first, _), *_ = grid(*read_axes(["+a=1,2", "b=x", "model.encoder.hidden=[8],[8,4]"], {}, TREE))
    assert first == ["b=x", "+a=1", "model.encoder.hidden=[8]"]


def test_ranges_choices_and_globs() -> None:
    assert points(["seed=range(0,3)"]) == [{"seed": 0}, {"seed": 1}, {"seed": 2}]
    assert points(["seed=choice(3,1)"]) == [{"seed": 3}, {"seed": 1}]
    found = [point["model/likelihood"] for point in points(["model/likelihood=glob(*,exclude=none)"])]
    assert found == [name for name in TREE.options("model/likelihood") if name != "none"]


def test_the_command_line_replaces_what_a_named_sweep_brings() -> None:
    named = {"model.latent_dim": "2,8", "seed": "range(0,2)"}
    assert len(points([], named)) == 4
    assert points(["seed=5"], named) == [{"model.latent_dim": 2}, {"model.latent_dim": 8}]
    assert points(["seed=5,6", "model.latent_dim=3"], named) == [{"seed": 5}, {"seed": 6}]


def test_no_point_comes_twice() -> None:
    assert points(["seed=0,1,0"]) == [{"seed": 0}, {"seed": 1}]


def test_a_command_without_a_sweep_is_one_job() -> None:
    assert points(["seed=1"]) == [{}]


@pytest.mark.parametrize("word", ["a=interval(0,1)", "model/likelihood=glob(zzz*)"])
def test_what_is_no_grid_is_refused(word: str) -> None:
    with pytest.raises(RequestError, match=r"interval|no option matches"):
        points([word])
