"""results.json and examples.npz: the final numbers, the same bytes for the same numbers."""

from __future__ import annotations

__all__ = ["Results", "read_examples", "read_results", "write_examples", "write_results"]

import dataclasses
import io
import math
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.runs.files import atomic_write, read_json, write_json

_FIELDS = {field.name for field in dataclasses.fields(Measurement)}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file can name


@dataclass(frozen=True)
class Results:
    """What results.json holds.

    Arguments:
        measurements: By name, like `test/nll`.
        model: Facts of the model: plain containers.
        evaluation: How it was measured, where that is not what the run's configuration says.
    """

    measurements: dict[str, Measurement]
    model: dict[str, Any]
    evaluation: dict[str, Any] = field(default_factory=dict)


def write_results(
    path: Path,
    measurements: Iterable[Measurement],
    model: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None = None,
) -> None:
    """Writes the measurements of a run.

    Nothing of when, where or how fast goes in, so that equal runs have equal files. JSON has no
    word for what is not finite: such a number is null, and `non_finite` beside it tells what it
    was.

    Arguments:
        path: The file.
        measurements: No two of the same name.
        model: Facts of the model: plain containers.
        evaluation: How it was measured, likewise; None where the run's configuration says it.

    Raises:
        ValueError: Two measurements share a name.

    Example:
        >>> path = getfixture("tmp_path") / "results.json"
        >>> nll = Measurement(
        ...     "test/nll",
        ...     98.6,
        ...     "nats",
        ...     "importance sampling",
        ...     1000,
        ...     "test",
        ...     10,
        ...     "binary",
        ...     0.6,
        ...     0.01,
        ...     False,
        ... )
        >>> write_results(path, [nll], {"latent_dim": 2})
        >>> read_results(path).measurements["test/nll"] == nll
        True
    """
    records: dict[str, Any] = {}
    for measurement in measurements:
        if measurement.name in records:
            raise ValueError(f"two measurements are called {measurement.name}")
        records[measurement.name] = _finite(dataclasses.asdict(measurement))
    settings = {} if evaluation is None else {"evaluation": _finite(dict(evaluation))}
    write_json(path, {"measurements": records, "model": _finite(dict(model)), **settings})


def read_results(path: Path) -> Results:
    """Reads what `write_results` wrote.

    Raises:
        RequestError: There is no such file, or it is no such file.
    """
    content = read_json(path)
    measurements, model, evaluation = (content.get(key, {}) for key in ("measurements", "model", "evaluation"))
    if not all(isinstance(part, dict) for part in (measurements, model, evaluation)) or "model" not in content:
        raise RequestError("holds no results", where=str(path))
    found = {name: _measurement(path, name, record) for name, record in measurements.items()}
    return Results(found, _restored(model), _restored(evaluation))


def write_examples(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name, for `numpy.load`.

    Uncompressed and undated, so that equal arrays give equal files.

    Arguments:
        path: The file.
        arrays: Numbers per example, shape `(N, ...)`.

    Raises:
        ValueError: An array holds objects.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(arrays[name]), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            entry.create_system = 3  # not the system it happens to be written on
            archive.writestr(entry, content.getvalue())
    atomic_write(path, buffer.getbuffer())


def read_examples(path: Path) -> dict[str, np.ndarray]:
    """Reads what `write_examples` wrote; never a pickled object.

    Raises:
        RequestError: There is no such file, or it is no such file.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("a lone array")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise RequestError("no such file", where=str(path)) from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise RequestError(f"cannot be read ({error})", where=str(path)) from None
    for name, array in arrays.items():
        # What is no array in the archive, numpy hands over as bytes.
        if not isinstance(array, np.ndarray):
            raise RequestError(f"cannot be read ({name} is no array)", where=str(path))
    return arrays


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    marks: dict[str, str] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            plain[key] = _finite(dict(value))
        elif isinstance(value, float) and not math.isfinite(value):
            plain[key], marks[key] = None, repr(float(value))
        else:
            plain[key] = value
    return {**plain, "non_finite": marks} if marks else plain


def _restored(record: dict[str, Any]) -> dict[str, Any]:
    marks = {key: float(word) for key, word in record.get("non_finite", {}).items()}
    plain = {key: _restored(v) if isinstance(v, dict) else v for key, v in record.items() if key != "non_finite"}
    return {**plain, **marks}


def _measurement(path: Path, name: str, record: Any) -> Measurement:
    if not isinstance(record, dict) or record.keys() - {"non_finite"} != _FIELDS or record["name"] != name:
        raise RequestError(f"the record of {name} is not one of a measurement", where=str(path))
    fields = _restored(record)
    if not isinstance(fields["value"], float | int):
        raise RequestError(f"the value of {name} is not a number", where=str(path))
    return Measurement(**fields)
