from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch

from lvm_experiments.data import FashionMnist, Kmnist, Mnist, Split
from lvm_experiments.data.idx_images import IdxImages
from lvm_experiments.errors import RequestError

SETS = {"MNIST": Mnist, "FashionMNIST": FashionMnist, "KMNIST": Kmnist}


@pytest.mark.parametrize("folder", SETS)
@pytest.mark.parametrize("packed", [True, False])
def test_a_given_folder_is_read_and_not_written(
    folder: str,
    packed: bool,  # noqa: FBT001 - a parameter of the test
    idx_folder: Callable[..., Path],
    listing: Callable[[Path], dict[str, tuple[int, int]]],
) -> None:
    root = idx_folder(folder, packed=packed)
    before = listing(root)
    data = SETS[folder](path=str(root), validation=10).load()
    assert listing(root) == before
    assert isinstance(data.train, Split)
    assert isinstance(data.val, Split)
    assert (len(data.train), len(data.val), len(data.test)) == (40, 10, 7)
    # The last training images, in their order.
    assert data.train.x[:, 0, 0, 0].tolist() == list(range(40))
    assert data.val.x[:, 0, 0, 0].tolist() == list(range(40, 50))
    assert data.val.label is not None
    assert data.val.label.tolist() == list(range(10))
    assert (data.spec.space, data.spec.shape, data.spec.levels) == ("bytes", (1, 5, 4), 256)
    assert (data.spec.classes, data.spec.size) == (10, 40)
    assert data.spec.mean is not None
    assert torch.allclose(data.spec.mean, data.train.x.float().mean(0))


def test_the_limit_takes_the_first_training_examples_and_their_summary(
    idx_folder: Callable[..., Path],
) -> None:
    data = Mnist(path=str(idx_folder("MNIST")), validation=10, limit=5).load()
    assert isinstance(data.train, Split)
    assert (len(data.train), len(data.val), len(data.test)) == (5, 10, 7)
    assert data.spec.size == 5
    assert data.spec.mean is not None
    assert data.spec.mean[0, 0, 0].item() == 2.0


@pytest.mark.parametrize("validation", [50, 51, 10000])
def test_validation_larger_than_training_is_one_line(validation: int, idx_folder: Callable[..., Path]) -> None:
    with pytest.raises(RequestError, match=f"data.validation: {validation} examples cannot be"):
        Mnist(path=str(idx_folder("MNIST")), validation=validation).load()


def test_a_missing_file_says_which_to_get(idx_folder: Callable[..., Path]) -> None:
    root = idx_folder("KMNIST")
    (root / "KMNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(RequestError) as caught:
        Kmnist(path=str(root), validation=1).load()
    name = "KMNIST/raw/t10k-labels-idx1-ubyte.gz"
    assert f"there is no {root}/{name}; get the KMNIST file {name}" in str(caught.value)


def test_labels_of_other_images_are_refused(idx_folder: Callable[..., Path]) -> None:
    raw = idx_folder("MNIST") / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte.gz").write_bytes((raw / "t10k-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(RequestError, match=r"labels of shape \(7,\) for images of \(50, 5, 4\)"):
        Mnist(path=str(raw.parent.parent), validation=1).load()


@pytest.mark.parametrize("argument", [{"batch_size": 0}, {"limit": 0}])
def test_sizes_are_positive(argument: dict[str, int]) -> None:
    with pytest.raises(RequestError, match=f"data.{next(iter(argument))}: must be at least 1"):
        Mnist(**argument)  # type: ignore[arg-type]


@pytest.fixture
def mirror(data_dir: Path) -> Iterator[tuple[str, list[str]]]:
    """A server of the real files on this machine, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    handler = partial(Handler, directory=str(data_dir / "MNIST" / "raw"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()


def test_without_a_folder_it_is_downloaded_into_the_cache_once(
    data_dir: Path,
    mirror: tuple[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torchvision

    address, asked = mirror
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
    first = Mnist(limit=10).load()
    assert {path.strip("/") for path in asked} == {file.name for file in (data_dir / "MNIST" / "raw").glob("*.gz")}
    asked.clear()
    second = Mnist(limit=10).load()
    assert asked == []
    given = Mnist(path=str(data_dir), limit=10).load()
    assert (tmp_path / "lvm_experiments" / "MNIST" / "raw").is_dir()
    for data in (first, second):
        assert isinstance(data.test, Split)
        assert isinstance(given.test, Split)
        assert torch.equal(data.test.x, given.test.x)


@pytest.mark.parametrize("kind", [Mnist, Kmnist])
def test_a_failed_download_is_one_line(kind: type[IdxImages], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(getattr(torchvision.datasets, kind.folder), "mirrors", [f"{tmp_path.as_uri()}/no/"])
    with pytest.raises(RequestError, match="cannot be downloaded") as caught:
        kind().load()  # type: ignore[call-arg]
    assert "data.path" in str(caught.value)
