"""torchvision's own data sets, downloaded into the cache folder or read where they are."""

from __future__ import annotations

__all__ = ["torchvision_set"]

from pathlib import Path
from typing import Any

from lvm_experiments.errors import RequestError

# No others: some of torchvision's classes unpickle whatever they find, and a configuration may name
# the function below.
KINDS = ("CIFAR10", "FashionMNIST", "KMNIST", "MNIST", "SVHN")


def torchvision_set(kind: str, root: Path, *, download: bool, original: str, **split: Any) -> Any:
    """One of torchvision's data sets.

    Arguments:
        kind: The name of torchvision's class, one of `KINDS`, which check files by their md5.
        root: The folder it looks in.
        download: Fetch and unpack what is missing; otherwise nothing is written.
        original: What to say has to be got where it is missing.
        **split: Which part, in the class's own words.

    Raises:
        RequestError: Files are missing or corrupt, or cannot be downloaded.
    """
    if kind not in KINDS:
        raise RequestError(f"{kind!r} is none of {', '.join(KINDS)}", where="data")
    import torchvision
    from filelock import FileLock

    create = getattr(torchvision.datasets, kind)
    try:
        if not download:
            return create(root, download=False, **split)
        root.mkdir(parents=True, exist_ok=True)
        # Several processes that start together would unpack over each other.
        with FileLock(root / f".{kind}.lock"):
            return create(root, download=True, **split)
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        done = "cannot be downloaded" if download else "is missing or corrupt"
        hint = f"put {original} into a folder and give data.path" if download else f"get {original}"
        raise RequestError(f"{kind} {done} in {root} ({error})", where="data.path", hint=hint) from error
