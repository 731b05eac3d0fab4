"""MNIST and the data sets that took its form."""

from __future__ import annotations

__all__ = ["IdxImages"]

from lvm_experiments.data.cut import cut
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.download import torchvision_set
from lvm_experiments.data.files import corrupt, data_folder
from lvm_experiments.data.idx import find_idx, read_idx
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec


class IdxImages(DataSet):
    """Images and labels of ten classes in four IDX files, `PATH/FOLDER/raw/*-ubyte[.gz]`.

    A given folder is read as it is, packed or not; without one the files are downloaded by
    torchvision. The official test split is the test set, validation is cut from training.

    Arguments:
        path: The folder of data sets, only ever read; None to download into the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the last training images are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.
    """

    folder: str  # torchvision's name for the class and the folder
    outline = DataSpec("bytes", (1, 28, 28), levels=256, classes=10)

    def __init__(
        self,
        path: str | None,
        batch_size: int,
        validation: int,
        limit: int | None,
        missing: float = 0.0,
        labelled: int | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation

    def read(self) -> Data:
        """Reads the four files."""
        root = data_folder(self.path)
        if self.path is None:
            torchvision_set(self.folder, root, download=True, original=self._original("*"))
        train, val = cut(self._part("train"), self.validation, where="data.validation")
        test = self._part("t10k")
        return Data(self.name, self.outline.replace(shape=tuple(train.x.shape[1:])), train, val, test)

    def _original(self, name: str) -> str:
        return f"the {self.folder} file {self.folder}/raw/{name}-ubyte.gz"

    def _part(self, part: str) -> Split:
        files = []
        for name in (f"{part}-images-idx3", f"{part}-labels-idx1"):
            file = data_folder(self.path) / self.folder / "raw" / f"{name}-ubyte"
            files.append(find_idx(file, original=self._original(name)))
        images, labels = (read_idx(file) for file in files)
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            shapes = f"labels of shape {tuple(labels.shape)} for images of {tuple(images.shape)}"
            raise corrupt(files[1], shapes)
        return Split(images.unsqueeze(1), labels.long())
