"""`python -m lvm_experiments.convert NAME SOURCE DEST`: a data set's files from its original.

NAME is the data set, SOURCE the file or folder it is published as, DEST the folder of data sets
(what `paths.data_dir` is set to). Nothing beside the source is touched.
"""

from __future__ import annotations

__all__ = ["convert", "main"]

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lvm_experiments.errors import RequestError, nearest


def convert(name: str, source: Path, folder: Path, *, unchecked: bool = False) -> list[str]:
    """Converts one data set and writes its files, each of them whole or not at all.

    Arguments:
        name: The data set.
        source: The original file or folder.
        folder: The folder of data sets to write to.
        unchecked: Accept an original that is not the known one.

    Returns:
        Lines that say what was written and what was checked.

    Raises:
        RequestError: There is no such converter; the original is missing, corrupt or not the known
            one; or other files are in the way.
    """
    from lvm_experiments.data.converters import CONVERTERS

    if name not in CONVERTERS:
        meant = nearest(name, CONVERTERS)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(CONVERTERS)}"
        raise RequestError(f"no converter is called {name!r}", where="name", hint=hint)
    if not source.exists():
        raise RequestError(f"there is no {source}", where="source")
    try:
        conversion = CONVERTERS[name](source, unchecked=unchecked)
        lines = [_write(folder / path, data) for path, data in conversion.files.items()]
    except OSError as error:
        raise RequestError(f"{error.strerror}: {error.filename}", where="convert") from error
    return [*lines, f"checked: {conversion.checked}"]


def _write(file: Path, content: bytes) -> str:
    if file.exists():
        if file.read_bytes() == content:
            return f"{file} is there already"
        hint = "move it away first"
        raise RequestError(f"{file} is there and has other content", where="dest", hint=hint)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
        os.chmod(name, 0o644)  # a temporary file is its owner's only
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return f"wrote {file}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lvm_experiments.convert", description=__doc__)
    parser.add_argument("name", help="the data set, for example binarized_mnist")
    parser.add_argument("source", type=Path, help="its original file or folder")
    parser.add_argument("dest", type=Path, help="the folder of data sets to write to")
    parser.add_argument("--unchecked", action="store_true", help="accept an original that is not the known one")
    given = parser.parse_args(arguments)
    try:
        for line in convert(given.name, given.source, given.dest, unchecked=given.unchecked):
            print(line)
    except RequestError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
