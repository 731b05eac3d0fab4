"""Which options a refusal names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvm_experiments.options import look_in, options_where


@pytest.fixture
def further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with two options of somebody's own, one of them with a class of this package."""
    folder = tmp_path / "conf"
    (folder / "model" / "prior").mkdir(parents=True)
    (folder / "model" / "prior" / "mine.yaml").write_text("_target_: mine_of_options.MinePrior")
    (folder / "model" / "prior" / "wide.yaml").write_text("_target_: lvm_experiments.priors.LaplacePrior")
    (tmp_path / "mine_of_options.py").write_text("class MinePrior:\n    domain = 'real'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    look_in([])
    sys.modules.pop("mine_of_options", None)


def test_options_of_further_folders_are_named_too(further: Path) -> None:
    own = {"mine", "wide"}
    assert not own & set(options_where("model/prior", lambda kind: True))
    look_in([further], ["mine_of_options"])
    found = options_where("model/prior", lambda kind: kind.domain == "real")
    assert own | {"standard_normal"} <= set(found)
    assert found == sorted(found)


def test_nothing_that_was_not_allowed_is_imported_for_it(further: Path) -> None:
    look_in([further], ["mine"])
    assert {"mine", "wide"} & set(options_where("model/prior", lambda kind: True)) == {"wide"}
    assert "mine_of_options" not in sys.modules
