from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.checkpoint_file import read_checkpoint, write_checkpoint


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_tensors_and_containers_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    write_checkpoint(path, {"a": torch.arange(3), "b": [{"c": (1, None)}]})
    content = read_checkpoint(path)
    assert content["a"].tolist() == [0, 1, 2]
    assert content["b"] == [{"c": (1, None)}]


def test_an_object_is_refused_and_not_run(tmp_path: Path) -> None:
    path, made = tmp_path / "a.ckpt", tmp_path / "made"
    torch.save({"state_dict": Evil(made)}, path)
    with pytest.raises(RequestError, match="more than tensors and plain containers") as raised:
        read_checkpoint(path)
    assert not made.exists()
    assert str(path) in str(raised.value)
    assert "weights_only=False" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "cut", "tensor", "folder"])
def test_what_is_no_checkpoint_is_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    write_checkpoint(path, {"a": torch.arange(1000)})
    if kind == "missing":
        path.unlink()
    elif kind == "text":
        path.write_text("text")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:4000])
    elif kind == "tensor":
        torch.save(torch.arange(3), path)
    else:
        path.unlink()
        path.mkdir()
    with pytest.raises(RequestError) as raised:
        read_checkpoint(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not re.search(r"\(\d*\)", str(raised.value))  # as a KeyError of the reader says it
