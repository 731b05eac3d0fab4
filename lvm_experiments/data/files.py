"""Where data are looked for, and what is said when they are not there or cannot be read."""

from __future__ import annotations

__all__ = ["corrupt", "data_folder", "missing", "read_mat", "read_npz"]

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from lvm_experiments.errors import RequestError

FAULTS = (
    OSError,
    EOFError,
    ValueError,
    IndexError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What readers of damaged files raise."""


def data_folder(path: str | None) -> Path:
    """The folder of data sets.

    Arguments:
        path: A given folder, which is only read; None for the program's own cache folder.
    """
    if path is None:
        return platformdirs.user_cache_path("lvm_experiments")
    return Path(path).expanduser()


def missing(file: Path, *, original: str, command: str = "") -> RequestError:
    """One line for a file that is not there.

    Arguments:
        file: What was looked for.
        original: What has to be got.
        command: The name and the source for the converter; the folder it writes to follows from
            the file's place. Empty where the original is read as it is.
    """
    hint = f"get {original}"
    if command:
        folder = file.parent.parent
        hint += f" and run: python -m lvm_experiments.convert {command} {folder}"
    return RequestError(f"there is no {file}", where="data.path", hint=hint)


def corrupt(file: Path, why: object) -> RequestError:
    """One line for a file that is there and cannot be used.

    Arguments:
        file: The file.
        why: What is wrong with it.
    """
    hint = "remove it, then get or make it again"
    return RequestError(f"{file} cannot be read ({why})", where="data.path", hint=hint)


def read_npz(file: Path, keys: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an npz file; pickled objects in it are never loaded.

    Arguments:
        file: An existing file.
        keys: Arrays that must be there and are read; None for all.

    Raises:
        RequestError: The file is damaged, lacks an array or holds Python objects.
    """
    try:
        if not zipfile.is_zipfile(file):
            # numpy would take it for a pickle, and advise to load it as one.
            raise ValueError("not an archive of named arrays")
        found = np.load(file, allow_pickle=False)
        with found as archive:
            return {key: archive[key] for key in (archive.files if keys is None else keys)}
    except FAULTS as error:
        raise corrupt(file, error) from error


def read_mat(file: Path, keys: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of a MATLAB file (version 5).

    Arguments:
        file: An existing file.
        keys: Arrays that must be there and are read; None for all.

    Raises:
        RequestError: The file is damaged or lacks an array.
    """
    import scipy.io

    wanted = None if keys is None else list(keys)
    try:
        # A name that loadmat may not guess at: it would look for `file.mat` as well.
        found: dict[str, Any] = scipy.io.loadmat(file, appendmat=False, variable_names=wanted)
        names = [key for key in found if not key.startswith("__")] if wanted is None else wanted
        return {key: found[key] for key in names}
    except (*FAULTS, TypeError, NotImplementedError, scipy.io.matlab.MatReadError) as error:
        raise corrupt(file, error) from error
