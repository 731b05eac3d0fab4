"""Each file in conf/data says what its class takes, in the class's order."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml

import lvm_experiments.data
from lvm_experiments.configuration import instantiate
from lvm_experiments.data import DataSet

ALL = sorted((Path(__file__).parents[2] / "conf" / "data").glob("*.yaml"))
# The others say how they differ from one of these.
FILES = [file for file in ALL if "defaults" not in yaml.safe_load(file.read_text())]


def sets() -> dict[str, type[DataSet]]:
    found = (getattr(lvm_experiments.data, name) for name in lvm_experiments.data.__all__)
    classes = [kind for kind in found if inspect.isclass(kind) and issubclass(kind, DataSet)]
    return {kind.name: kind for kind in classes if kind is not DataSet}


def test_each_class_has_its_file() -> None:
    assert {file.stem for file in FILES} == set(sets())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_keys_and_values_are_those_of_the_constructor(file: Path) -> None:
    plain = yaml.safe_load(file.read_text())
    kind = sets()[file.stem]
    assert next(iter(plain)) == "_target_"
    assert plain.pop("_target_") == f"lvm_experiments.data.{kind.__name__}"
    parameters = inspect.signature(kind).parameters
    assert list(plain) == list(parameters)
    if plain["path"] == "${paths.data_dir}":
        plain["path"] = None
    assert plain == {name: parameter.default for name, parameter in parameters.items()}


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_each_key_has_its_comment(file: Path) -> None:
    of_its_own = file.read_text().partition("  - _self_\n\n")[2]
    for line in of_its_own.splitlines() or file.read_text().splitlines()[1:]:
        assert re.fullmatch(r"\w+: \S+ # \S.*", line), line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_builds_without_reading_anything(file: Path) -> None:
    plain = yaml.safe_load(file.read_text()) | {"path": "/nowhere", "batch_size": 5}
    built = instantiate(plain, "data")
    assert isinstance(built, DataSet)
    assert (built.path, built.batch_size) == ("/nowhere", 5)
    assert built.num_workers >= 0
