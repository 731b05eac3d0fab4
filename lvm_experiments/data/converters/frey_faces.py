"""Frey Faces from a pickle or a MATLAB file."""

from __future__ import annotations

__all__ = ["convert_frey_faces"]

from pathlib import Path

import numpy as np

from lvm_experiments.data.converters.arrays_pickle import read_arrays
from lvm_experiments.data.converters.conversion import Conversion, content_sum, npz_bytes, verify
from lvm_experiments.data.files import corrupt, read_mat

KNOWN = "b7fb6085f5ce7b09b14cd0136165a2993a9b98bd3adb24cbc2fa62267b0c3886"


def convert_frey_faces(source: Path, *, unchecked: bool = False) -> Conversion:
    """Turns the frames into bytes of 28 x 20.

    Arguments:
        source: `frey_rawface.mat` (array `ff`, a column for each frame), or a pickle of frames as
            rows of 560 or as 28 x 20, in levels or divided by 255; of it only arrays are read.
        unchecked: Accept frames that are not the known ones.

    Raises:
        RequestError: The file is corrupt, holds more than arrays, or is not the known one.
    """
    if source.suffix == ".mat":
        frames = read_mat(source, ("ff",))["ff"].T
    else:
        arrays = [array for array in read_arrays(source) if array.ndim in (2, 3)]
        if len(arrays) != 1:
            raise corrupt(source, f"{len(arrays)} arrays of frames instead of one")
        frames = arrays[0]
    if frames.size != len(frames) * 560 or (frames.ndim == 3 and frames.shape[1:] != (28, 20)):
        raise corrupt(source, f"frames of shape {frames.shape} instead of 28 x 20")
    levels = frames * 255.0 if frames.max() <= 1 else frames.astype(np.float64)
    whole = np.rint(levels)
    if not (whole.min() >= 0 and whole.max() <= 255 and (abs(levels - whole) < 1e-3).all()):
        raise corrupt(source, "values that are no levels from 0 to 255")
    images = np.ascontiguousarray(whole.astype(np.uint8).reshape(-1, 28, 20))
    outcome = verify("the content", content_sum(images), KNOWN, unchecked=unchecked)
    return Conversion({"freyfaces/freyfaces.npz": npz_bytes(images=images)}, outcome)
