"""Files that are either the old ones or the new ones, whenever the program is killed."""

from __future__ import annotations

__all__ = ["atomic_write", "read_json", "remove_leftovers", "write_json"]

import json
import os
from pathlib import Path
from typing import Any

from lvm_experiments.errors import RequestError


def atomic_write(path: Path, content: bytes | bytearray | memoryview | str) -> None:
    """Writes a file by way of a temporary one in the same folder, which then takes its name.

    The same folder, because only within one file system is a renaming a single event; the folder
    is made where missing.

    Arguments:
        path: The file.
        content: Bytes, or text to be written as UTF-8.

    Example:
        >>> path = getfixture("tmp_path") / "notes.txt"
        >>> atomic_write(path, "first")
        >>> atomic_write(path, "second")
        >>> path.read_text()
        'second'
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files of writers that were killed. Only for who owns the folder."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Writes JSON that is the same, byte for byte, for the same content.

    Raises:
        ValueError: A number is not finite; JSON has no word for it.
    """
    atomic_write(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        RequestError: There is no such file, or it holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RequestError("no such file", where=str(path)) from None
    except (OSError, ValueError) as error:
        raise RequestError(f"cannot be read ({error})", where=str(path)) from None
    if not isinstance(content, dict):
        raise RequestError(f"holds a {type(content).__name__}, not an object", where=str(path))
    return content
