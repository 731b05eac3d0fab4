from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from lvm_experiments.data.idx import find_idx, read_idx
from lvm_experiments.errors import RequestError

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
HEADER = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4])
DATA = HEADER + ARRAY.tobytes()


def test_packed_and_unpacked_files_give_the_array(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a-ubyte", tmp_path / "b-ubyte.gz"
    plain.write_bytes(DATA)
    packed.write_bytes(gzip.compress(DATA))
    assert find_idx(plain, original="it") == plain
    assert find_idx(tmp_path / "b-ubyte", original="it") == packed
    for file in (plain, packed):
        assert np.array_equal(read_idx(file).numpy(), ARRAY)


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(DATA)[:-20],
        DATA,  # not packed, whatever its name says
        gzip.compress(DATA[:-1]),
        gzip.compress(DATA + b"1"),
        gzip.compress(b"\x00\x00\x0d" + DATA[3:]),  # floats
        gzip.compress(DATA[:6]),
        b"",
    ],
    ids=["truncated", "unpacked", "short", "long", "floats", "header", "empty"],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, damaged: bytes) -> None:
    file = tmp_path / "a-ubyte.gz"
    file.write_bytes(damaged)
    with pytest.raises(RequestError, match="cannot be read") as caught:
        read_idx(file)
    assert str(file) in str(caught.value)
