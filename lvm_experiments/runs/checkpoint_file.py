"""Checkpoints as files: written whole or not at all, read as plain data only."""

from __future__ import annotations

__all__ = ["read_checkpoint", "write_checkpoint"]

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.files import atomic_write

_HINT = "give another checkpoint, or start again without it"


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Writes tensors and plain containers.

    Arguments:
        path: The file.
        content: What it shall hold.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    atomic_write(path, buffer.getbuffer())


def read_checkpoint(path: Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads tensors and plain containers; a pickled object of any other kind is refused, not run.

    Arguments:
        path: The file.
        device: Where the tensors go.

    Raises:
        RequestError: There is no such file, it is damaged, or it holds objects.

    Example:
        >>> path = getfixture("tmp_path") / "last.ckpt"
        >>> write_checkpoint(path, {"state_dict": {"weight": torch.ones(2)}})
        >>> read_checkpoint(path)["state_dict"]["weight"]
        tensor([1., 1.])
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise RequestError("no such checkpoint", where=str(path)) from None
    except pickle.UnpicklingError as error:
        # torch's own text goes on with advice to switch the protection off.
        what = str(error).split("WeightsUnpickler error: ")[-1].split(". ")[0].strip()
        raise RequestError(
            f"is damaged, or holds more than tensors and plain containers: not loaded ({what})",
            where=str(path),
            hint=_HINT,
        ) from None
    except Exception as error:  # noqa: BLE001 - a damaged file fails in any way there is
        told = isinstance(error, OSError | RuntimeError) and bool(str(error))
        what = str(error).splitlines()[0] if told else "not in the format of torch.save"
        raise RequestError(f"is no checkpoint, or damaged ({what})", where=str(path), hint=_HINT) from None
    if not isinstance(content, dict):
        raise RequestError("is no checkpoint", where=str(path), hint=_HINT)
    return content
