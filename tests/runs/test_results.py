from __future__ import annotations

import dataclasses
import math
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.runs.results import (
    read_examples,
    read_results,
    write_examples,
    write_results,
)

NLL = Measurement(
    name="test/nll",
    value=98.6,
    unit="nats",
    estimator="importance sampling",
    num_samples=1000,
    split="test",
    examples=10,
    space="binary",
    standard_error=0.6,
    monte_carlo_error=0.01,
    higher_is_better=False,
)


def test_equal_numbers_give_equal_files(tmp_path: Path) -> None:
    elbo = dataclasses.replace(NLL, name="test/elbo", value=0.1 + 0.2)
    write_results(tmp_path / "a", [NLL, elbo], {"latent_dim": 2, "parameters": 10})
    time.sleep(0.01)
    write_results(tmp_path / "b", [elbo, NLL], {"parameters": 10, "latent_dim": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    results = read_results(tmp_path / "a")
    assert results.measurements == {"test/elbo": elbo, "test/nll": NLL}
    assert results.model == {"latent_dim": 2, "parameters": 10}


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_null_and_told(value: float, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    strange = dataclasses.replace(NLL, value=value, standard_error=math.nan)
    write_results(path, [strange], {"nested": {"x": value, "y": 1.0}})
    text = path.read_text()
    assert '"value": null' in text
    assert f'"value": "{value!r}"' in text
    results = read_results(path)
    again = results.measurements["test/nll"]
    np.testing.assert_equal(dataclasses.asdict(again), dataclasses.asdict(strange))
    np.testing.assert_equal(results.model, {"nested": {"x": value, "y": 1.0}})


def test_two_numbers_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two measurements are called test/nll"):
        write_results(tmp_path / "a", [NLL, NLL], {})


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        '{"measurements": {}, "model": []}',
        '{"measurements": {"a": 1}, "model": {}}',
        '{"measurements": {"a": {"name": "a", "value": 1}}, "model": {}}',
    ],
)
def test_other_files_are_no_results(content: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(RequestError, match=str(path)):
        read_results(path)


def test_a_record_needs_its_value(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, [NLL], {})
    path.write_text(path.read_text().replace('"value": 98.6', '"value": null'))
    with pytest.raises(RequestError, match="the value of test/nll is not a number"):
        read_results(path)


def test_equal_arrays_give_equal_files(tmp_path: Path) -> None:
    arrays = {"test/nll": np.arange(5.0), "index": np.arange(5)}
    write_examples(tmp_path / "a.npz", arrays)
    time.sleep(2.1)  # a zip file counts in steps of two seconds
    write_examples(tmp_path / "b.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_examples(tmp_path / "a.npz")
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_examples(tmp_path / "a.npz", {"a": np.array([{}, []], dtype=object)})
    np.savez(tmp_path / "b.npz", a=np.array([{}, []], dtype=object))
    with pytest.raises(RequestError, match="cannot be read"):
        read_examples(tmp_path / "b.npz")


@pytest.mark.parametrize("kind", ["missing", "text", "zip", "lone array", "cut"])
def test_other_files_are_no_examples(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "examples.npz"
    if kind == "text":
        path.write_text("text")
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", b"text")
    elif kind == "lone array":
        with path.open("wb") as file:
            np.save(file, np.arange(3))
    elif kind == "cut":
        write_examples(path, {"a": np.arange(100)})
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RequestError, match=str(path)):
        read_examples(path)
