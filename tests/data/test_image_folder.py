from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from lvm_experiments.batch import Batch
from lvm_experiments.data import ImageFolder, IndexLoader, Split, StreamedSplit
from lvm_experiments.errors import RequestError

COLOURS = {"blue": (0, 0, 200), "red": (200, 0, 0)}


def write(folder: Path, colour: str, count: int, size: tuple[int, int] = (40, 30)) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", size, COLOURS[colour]).save(folder / f"{number:03}.png")


def first_of(split: Split | StreamedSplit) -> Batch:
    return split.take(torch.tensor([0]))


def test_classes_are_subfolders_and_images_come_in_one_size(
    tmp_path: Path, listing: Callable[[Path], dict[str, tuple[int, int]]]
) -> None:
    for colour in COLOURS:
        write(tmp_path / colour, colour, 20)
    before = listing(tmp_path)
    data = ImageFolder(path=str(tmp_path), size=16, validation=5, test=0.25, num_workers=0).load()
    assert (len(data.train), len(data.val), len(data.test)) == (25, 5, 10)
    assert (data.spec.space, data.spec.shape, data.spec.levels) == ("bytes", (3, 16, 16), 256)
    assert (data.spec.classes, data.spec.size) == (2, 25)
    seen = 0
    for split in (data.train, data.val, data.test):
        for batch in IndexLoader(split, 4, shuffle=True):
            assert batch.x is not None
            assert batch.label is not None
            assert batch.x.shape[1:] == (3, 16, 16)
            assert batch.x.dtype == torch.uint8
            for x, label in zip(batch.x, batch.label.tolist(), strict=True):
                assert x[:, 8, 8].tolist() == list(COLOURS[["blue", "red"][label]])
                seen += 1
    assert seen == 40
    assert listing(tmp_path) == before


def test_given_splits_are_kept_and_a_missing_one_is_cut_from_training(tmp_path: Path) -> None:
    write(tmp_path / "train" / "red", "red", 6)
    write(tmp_path / "train" / "blue", "blue", 6)
    write(tmp_path / "test" / "red", "red", 3)
    data = ImageFolder(path=str(tmp_path), size=8, channels=1, validation=2).load()
    assert (len(data.train), len(data.val), len(data.test)) == (10, 2, 3)
    assert data.spec.shape == (1, 8, 8)
    assert first_of(data.test).label == 1  # red, as in training


def test_images_without_subfolders_have_no_labels(tmp_path: Path) -> None:
    write(tmp_path / "all", "red", 10)
    data = ImageFolder(path=str(tmp_path / "all"), size=8).load()
    assert data.spec.classes == 0
    assert next(iter(IndexLoader(data.train, 4))).label is None


def test_the_middle_is_kept(tmp_path: Path) -> None:
    image = Image.new("L", (30, 10), 0)
    image.paste(255, (10, 0, 20, 10))
    image.save(tmp_path / "wide.png")
    for number in range(2):
        image.save(tmp_path / f"{number}.png")
    data = ImageFolder(path=str(tmp_path), size=10, channels=1, validation=1, test=1).load()
    x = first_of(data.train).x
    assert x is not None
    assert x.float().mean().item() == 255


def test_the_summary_is_that_of_the_images(tmp_path: Path) -> None:
    write(tmp_path / "all", "red", 10)
    data = ImageFolder(path=str(tmp_path / "all"), size=8).load()
    assert data.spec.mean is not None
    assert data.spec.std is not None
    assert data.spec.mean[:, 4, 4].tolist() == [200, 0, 0]
    assert data.spec.std.abs().max().item() == 0


def test_workers_give_the_same_batches(tmp_path: Path) -> None:
    for colour in COLOURS:
        write(tmp_path / colour, colour, 8)
    data = ImageFolder(path=str(tmp_path), size=8, validation=1, test=1).load()
    plain = list(IndexLoader(data.train, 3, shuffle=True))
    ahead = list(IndexLoader(data.train, 3, shuffle=True, num_workers=2))
    for one, other in zip(plain, ahead, strict=True):
        for name in ("x", "label", "index"):
            assert torch.equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_corrupt_image_is_one_line(part: str, workers: int, tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        write(tmp_path / name, "red", 4)
    bad = tmp_path / part / "001.png"
    bad.write_bytes(bad.read_bytes()[:40])
    files = ImageFolder(path=str(tmp_path), size=8)
    with pytest.raises(RequestError, match="cannot be read") as caught:
        list(IndexLoader(getattr(files.read(), part), 2, num_workers=workers))
    assert str(bad) in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "said"),
    [(None, "give data.path=FOLDER"), ("nowhere", "no folder"), (".", "no images")],
)
def test_no_images_are_one_line(path: str | None, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said):
        ImageFolder(path=None if path is None else str(tmp_path / path)).load()


def test_channels_are_three_or_one() -> None:
    with pytest.raises(RequestError, match=r"data.channels"):
        ImageFolder(channels=2)
