from __future__ import annotations

import os
import pickle
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvm_experiments.data.converters.arrays_pickle import read_arrays
from lvm_experiments.errors import RequestError

# What Python 2.7 with numpy 1.16 writes for `numpy.arange(3, dtype='u1')`, protocols 0 and 2.
PYTHON2 = (
    b"cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntp2\nS'b'\np3\ntp4\n"
    b"Rp5\n(I1\n(I3\ntp6\ncnumpy\ndtype\np7\n(S'u1'\np8\nI0\nI1\ntp9\nRp10\n(I3\nS'|'\np11\nNNN"
    b"I-1\nI-1\nI0\ntp12\nbI00\nS'\\x00\\x01\\x02'\np13\ntp14\nb."
)


class Call:
    """Unpickling it calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(protocol: int, order: Any, tmp_path: Path) -> None:
    file = tmp_path / "it.pkl"
    x = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    labels = np.arange(3, dtype=np.uint8)
    file.write_bytes(pickle.dumps({"x": [x, (labels,)], "name": "faces"}, protocol=protocol))
    found = read_arrays(file)
    assert len(found) == 2
    assert np.array_equal(found[0], x)
    assert np.array_equal(found[1], labels)


def test_those_of_python_2_as_well(tmp_path: Path) -> None:
    (tmp_path / "it.pkl").write_bytes(PYTHON2)
    assert read_arrays(tmp_path / "it.pkl")[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "content",
    [
        lambda trap: Call(os.system, f"touch {trap}"),
        lambda trap: Call(subprocess.call, ["touch", str(trap)]),
        lambda trap: Call(eval, f"open({str(trap)!r}, 'w')"),
        lambda trap: Call(Path.touch, trap),
        lambda trap: np.array([Call(os.system, f"touch {trap}")], dtype=object),
        lambda trap: [np.zeros(3), Call(open, str(trap), "w")],
    ],
)
def test_nothing_else_is_called(content: Any, tmp_path: Path) -> None:
    trap, file = tmp_path / "sprung", tmp_path / "it.pkl"
    file.write_bytes(pickle.dumps(content(trap)))
    with pytest.raises(RequestError, match="only arrays are read"):
        read_arrays(file)
    assert not trap.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\x80\x04.", pickle.dumps(np.arange(9))[:-9], pickle.dumps(OrderedDict())],
    ids=["empty", "text", "nothing", "truncated", "dictionary"],
)
def test_anything_else_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "it.pkl").write_bytes(content)
    with pytest.raises(RequestError, match="cannot be read") as caught:
        read_arrays(tmp_path / "it.pkl")
    assert "\n" not in str(caught.value)
