"""ImageFolder: image files of your own."""

from __future__ import annotations

__all__ = ["ImageFolder"]

from pathlib import Path

from lvm_experiments.data.cut import complete
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.image_files import ImageFiles, find_images
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability


class ImageFolder(DataSet):
    """Images from a folder, read while training and brought to one size.

    Either the folder has subfolders `train`, `val` and `test` (what is missing is cut from
    `train`), or all its images are split. Subfolders of those are classes, unless images lie
    beside them.
    Images are scaled until they cover the square, and cut to its middle. Mean and deviation in the
    spec are those of at most 2,000 training images, evenly spaced.

    Arguments:
        path: The folder, only ever read.
        batch_size: Examples in a batch, over all processes.
        size: Height and width the images are brought to, in pixels.
        channels: 3 for colour, 1 for grey.
        validation: Where there is no `val`: the share (below 1) or number of images for it.
        test: Where there is no `test`: the share (below 1) or number of images for it.
        split_seed: Of the shuffle before the cut.
        num_workers: Processes that read ahead; 0 reads in the training process.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: The folder is missing or holds no images, a size is out of range, or, while
            they are read, an image is corrupt.

    Example:
        >>> ImageFolder(path="photographs", size=32).size
        32
    """

    name = "image_folder"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        size: PositiveInt = 64,
        channels: PositiveInt = 3,
        validation: PositiveFloat = 0.1,
        test: PositiveFloat = 0.1,
        split_seed: NonNegativeInt = 0,
        num_workers: NonNegativeInt = 2,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        if channels not in (1, 3):
            hint = "3 for colour, 1 for grey"
            raise RequestError(f"images cannot have {channels}", where="data.channels", hint=hint)
        self.size = size
        self.channels = channels
        self.validation = validation
        self.test = test
        self.split_seed = split_seed
        self.num_workers = num_workers

    def read(self) -> Data:
        """Lists the files and cuts what is missing; no image is opened."""
        if self.path is None:
            hint = "give data.path=FOLDER"
            raise RequestError("image_folder needs a folder", where="data.path", hint=hint)
        root = Path(self.path).expanduser()
        if not root.is_dir():
            raise RequestError(f"there is no folder {root}", where="data.path")
        folders = {part: root / part for part in ("train", "val", "test")}
        if not folders["train"].is_dir():
            folders = {"train": root}
        files = {part: find_images(where) for part, where in folders.items() if where.is_dir()}
        classes = _classes(files, folders)
        splits: dict[str, StreamedSplit] = {}
        for part, found in files.items():
            numbers = [classes[_first(file, folders[part])] for file in found] if classes else None
            splits[part] = ImageFiles(found, numbers, self.size, self.channels)
            if not found:
                raise RequestError(f"there are no images in {folders[part]}", where="data.path")
        train, val, test = complete(
            splits["train"],
            splits.get("val"),
            splits.get("test"),
            validation=self.validation,
            testing=self.test,
            seed=self.split_seed,
        )
        shape = (self.channels, self.size, self.size)
        spec = DataSpec("bytes", shape, levels=256, classes=len(classes))
        return Data(self.name, spec, train, val, test)


def _first(file: Path, folder: Path) -> str:
    return file.relative_to(folder).parts[0]


def _classes(files: dict[str, list[Path]], folders: dict[str, Path]) -> dict[str, int]:
    """Numbers of the subfolders over all splits; none where an image lies beside them."""
    names: set[str] = set()
    for part, found in files.items():
        if any(file.parent == folders[part] for file in found):
            return {}
        names |= {_first(file, folders[part]) for file in found}
    return {name: number for number, name in enumerate(sorted(names))}
