"""Converters on originals made here in their published layouts, and made again from real data."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from lvm_experiments.data import (
    BinarizedMnist,
    Caltech101Silhouettes,
    FreyFaces,
    Omniglot28,
    Split,
)
from lvm_experiments.data.converters import (
    Conversion,
    convert_binarized_mnist,
    convert_caltech101_silhouettes,
    convert_frey_faces,
    convert_omniglot28,
)
from lvm_experiments.errors import RequestError

PARTS = ("train", "valid", "test")
RANDOM = np.random.default_rng(0)
BITS = RANDOM.integers(0, 2, (12, 28, 28), dtype=np.uint8)
FACES = RANDOM.integers(0, 256, (12, 28, 20), dtype=np.uint8)
FACES[0, 0, :2] = 0, 255


def arrays(conversion: Conversion, name: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(conversion.files[name]), allow_pickle=False) as found:
        return dict(found)


def put(conversion: Conversion, folder: Path) -> str:
    for name, content in conversion.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return str(folder)


def write_amat(folder: Path, parts: dict[str, np.ndarray], *, form: str) -> None:
    for part, bits in parts.items():
        rows = bits.reshape(len(bits), 784)
        file = folder / f"binarized_mnist_{part}.{'mat' if form == 'mat' else 'amat'}"
        if form == "text":
            text = np.full((len(rows), 785, 2), ord(" "), dtype=np.uint8)
            text[:, :784, 0] = rows + ord("0")
            text[:, 784, 1] = ord("\n")
            file.write_bytes(text.tobytes())
        else:
            with file.open("wb") as opened:
                scipy.io.savemat(opened, {"data": rows.astype(np.float64)})


# ---- binarised MNIST


@pytest.mark.parametrize("form", ["text", "amat", "mat"])
def test_binarized_mnist(form: str, tmp_path: Path) -> None:
    parts = {"train": BITS[:6], "valid": BITS[6:9], "test": BITS[9:]}
    write_amat(tmp_path, parts, form=form)
    conversion = convert_binarized_mnist(tmp_path, unchecked=True)
    assert "not the known one" in conversion.checked
    data = BinarizedMnist(put(conversion, tmp_path / "dest")).load()
    for split, bits in zip((data.train, data.val, data.test), parts.values(), strict=True):
        assert isinstance(split, Split)
        assert np.array_equal(split.x[:, 0].numpy(), bits)
    with pytest.raises(RequestError, match=r"not the known one.*--unchecked"):
        convert_binarized_mnist(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("0 1 0\n", "not all lines are 784"),
        (" ".join(["2"] * 784), "other than 0 and 1"),
        ("0 1\n0\n", "cannot be read"),
        ("<html>\n", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_binarized_mnist_of_another_layout(content: str, said: str, tmp_path: Path) -> None:
    write_amat(tmp_path, dict.fromkeys(PARTS, BITS[:2]), form="text")
    (tmp_path / "binarized_mnist_valid.amat").write_text(content)
    with pytest.raises(RequestError, match=said):
        convert_binarized_mnist(tmp_path, unchecked=True)


def test_binarized_mnist_lacks_a_file(tmp_path: Path) -> None:
    write_amat(tmp_path, {"train": BITS}, form="text")
    with pytest.raises(RequestError, match=r"neither binarized_mnist_valid.amat nor .*valid.mat"):
        convert_binarized_mnist(tmp_path)


@pytest.mark.parametrize("form", ["text", "amat"])
def test_the_published_binarized_mnist_is_recognised(form: str, data_dir: Path, tmp_path: Path) -> None:
    with np.load(data_dir / "binarized_mnist" / "binarized_mnist.npz") as real:
        packed = {part: real[f"{part}_packed"] for part in PARTS}
    bits = {part: np.unpackbits(rows, axis=1) for part, rows in packed.items()}
    write_amat(tmp_path, bits, form=form)
    conversion = convert_binarized_mnist(tmp_path)
    assert "the content is the known one" in conversion.checked
    found = arrays(conversion, "binarized_mnist/binarized_mnist.npz")
    assert all(np.array_equal(found[f"{part}_packed"], packed[part]) for part in PARTS)
    bits["test"][0, 0] ^= 1  # one pixel of 55 million
    write_amat(tmp_path, bits, form=form)
    with pytest.raises(RequestError, match="not the known one"):
        convert_binarized_mnist(tmp_path)


# ---- OMNIGLOT


def write_chardata(file: Path, images: np.ndarray, train: int) -> None:
    columns = images.transpose(0, 2, 1).reshape(-1, 784).T / 255.0
    count = len(images)
    target = np.zeros((50, count))
    target[np.arange(count) % 2, np.arange(count)] = 1
    number = (np.arange(count) // 4 + 1)[None].astype(float)
    content = {
        "data": columns[:, :train],
        "testdata": columns[:, train:],
        "target": target[:, :train],
        "testtarget": target[:, train:],
        "targetchar": number[:, :train],
        "testtargetchar": number[:, train:],
    }
    scipy.io.savemat(file, content)


def test_chardata(tmp_path: Path) -> None:
    images = RANDOM.integers(0, 256, (12, 28, 28), dtype=np.uint8)
    file = tmp_path / "chardata.mat"
    write_chardata(file, images, 8)
    with pytest.raises(RequestError, match=r"8 \+ 4 images instead of 24345 \+ 8070"):
        convert_omniglot28(file)
    conversion = convert_omniglot28(file, unchecked=True)
    assert "no sum of chardata.mat is known" in conversion.checked
    found = arrays(conversion, "omniglot/omniglot28.npz")
    assert np.array_equal(found["images"], images)
    assert found["train_idx"].tolist() == list(range(8))
    assert found["test_idx"].tolist() == list(range(8, 12))
    # (alphabet, character): examples 0 and 2 share both, 0 and 1 differ in alphabet.
    char = found["char"].tolist()
    assert char[0] == char[2] != char[1] == char[3]
    assert len(set(char)) == 6
    data = Omniglot28(put(conversion, tmp_path), validation=3).load()
    assert (len(data.train), len(data.val), len(data.test)) == (5, 3, 4)
    assert data.spec.classes == 6


def test_chardata_out_of_range(tmp_path: Path) -> None:
    file = tmp_path / "chardata.mat"
    write_chardata(file, np.full((12, 28, 28), 300), 8)
    with pytest.raises(RequestError, match="instead of 0 to 1"):
        convert_omniglot28(file)


def write_drawings(folder: Path) -> None:
    for part, alphabets in (
        ("images_background", ("Greek", "Latin")),
        ("images_evaluation", ("Tengwar",)),
    ):
        for number, alphabet in enumerate(alphabets):
            for character in (1, 2):
                place = folder / part / alphabet / f"character{character:02}"
                place.mkdir(parents=True)
                for drawer in range(1, 5):
                    image = Image.new("1", (105, 105), 1)
                    image.paste(0, (0, 0, 15 * drawer, 15 * (number + 1)))
                    image.save(place / f"{number:04}_{drawer:02}.png")


def test_drawings(tmp_path: Path) -> None:
    write_drawings(tmp_path)
    with pytest.raises(RequestError, match="instead of 24345"):
        convert_omniglot28(tmp_path)
    conversion = convert_omniglot28(tmp_path, unchecked=True)
    assert "the images are not those of the known copy" in conversion.checked
    found = arrays(conversion, "omniglot/omniglot28.npz")
    assert found["images"].shape == (24, 28, 28)
    assert found["char"].tolist() == [row // 4 for row in range(24)]
    # 15 of 105 pixels are 4 of 28: ink is high, in the upper left, and sharp where it ends there.
    first = found["images"][0]
    assert (first[:4, :4] == 255).all()
    assert first[4:].max() == first[:, 4:].max() == 0
    both = [*found["train_idx"].tolist(), *found["test_idx"].tolist()]
    assert len(found["train_idx"]) == 18  # three quarters, as in chardata.mat
    assert sorted(both) == list(range(24))


def test_drawings_are_of_both_sets(tmp_path: Path) -> None:
    (tmp_path / "images_background").mkdir()
    with pytest.raises(RequestError, match=r"no drawings in .*images_background"):
        convert_omniglot28(tmp_path)


# ---- Caltech 101 Silhouettes


def matlab(images: np.ndarray) -> np.ndarray:
    return 1 - images.transpose(0, 2, 1).reshape(-1, 784)


def test_split1(tmp_path: Path) -> None:
    parts = {"train": BITS[:6], "val": BITS[6:9], "test": BITS[9:]}
    content = {f"{part}_data": matlab(x) for part, x in parts.items()}
    content |= {f"{part}_labels": np.arange(1, len(x) + 1, dtype=np.uint8)[:, None] for part, x in parts.items()}
    file = tmp_path / "caltech101_silhouettes_28_split1.mat"
    scipy.io.savemat(file, content)
    with pytest.raises(RequestError, match=r"the set of images is not the known one"):
        convert_caltech101_silhouettes(file)
    conversion = convert_caltech101_silhouettes(file, unchecked=True)
    data = Caltech101Silhouettes(put(conversion, tmp_path), split="split1").load()
    for split, images in zip((data.train, data.val, data.test), parts.values(), strict=True):
        assert isinstance(split, Split)
        assert split.label is not None
        assert np.array_equal(split.x[:, 0].numpy(), images)
        assert split.label.tolist() == list(range(len(images)))


def test_silhouettes_of_another_layout(tmp_path: Path) -> None:
    file = tmp_path / "other.mat"
    scipy.io.savemat(file, {"train_data": matlab(BITS)})
    with pytest.raises(RequestError, match="neither X nor train_labels"):
        convert_caltech101_silhouettes(file)
    file.write_bytes(b"MATLAB 5.0 MAT-file, and no more")
    with pytest.raises(RequestError, match="cannot be read"):
        convert_caltech101_silhouettes(file)
    scipy.io.savemat(file, {"X": matlab(BITS), "Y": np.ones((1, 12))})
    with pytest.raises(RequestError, match=r"the file is not the known one"):
        convert_caltech101_silhouettes(file)


def test_the_published_silhouettes_give_the_known_files(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "caltech101_silhouettes"
    source = folder / "caltech101_silhouettes_28.mat"
    conversion = convert_caltech101_silhouettes(source)
    assert "the file is the known one (sha256 862d0a4b8282)" in conversion.checked
    prefix = "caltech101_silhouettes/"
    assert conversion.files[f"{prefix}{source.name}"] == source.read_bytes()
    found = arrays(conversion, f"{prefix}split_seed0.npz")
    with np.load(folder / "split_seed0.npz") as known:
        assert all(np.array_equal(found[part], known[part]) for part in ("train", "val", "test"))


def test_the_same_silhouettes_in_another_split_are_recognised(data_dir: Path, tmp_path: Path) -> None:
    real = scipy.io.loadmat(data_dir / "caltech101_silhouettes" / "caltech101_silhouettes_28.mat")
    order = RANDOM.permutation(8671)
    content = {}
    for part, rows in zip(("train", "val", "test"), np.split(order, [4100, 6364]), strict=True):
        content[f"{part}_data"] = real["X"][rows]
        content[f"{part}_labels"] = real["Y"].T[rows]
    scipy.io.savemat(tmp_path / "split1.mat", content)
    conversion = convert_caltech101_silhouettes(tmp_path / "split1.mat")
    assert "the set of images is the known one" in conversion.checked
    assert "No sum of the split itself is known" in conversion.checked
    data = Caltech101Silhouettes(put(conversion, tmp_path), split="split1").load()
    assert (len(data.train), len(data.val), len(data.test)) == (4100, 2264, 2307)
    assert data.spec.classes == 101


# ---- Frey Faces


def write_faces(folder: Path, images: np.ndarray, form: str) -> Path:
    rows = images.reshape(-1, 560)
    if form == "mat":
        scipy.io.savemat(folder / "frey_rawface.mat", {"ff": rows.T})
        return folder / "frey_rawface.mat"
    content = {
        "levels in a list": [images],
        "rows of shares": rows / 255.0,
        "32-bit shares": (rows / 255.0).astype(np.float32),
    }[form.rpartition(", ")[0]]
    protocol = int(form[-1])
    (folder / "freyfaces.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    return folder / "freyfaces.pkl"


FORMS = [
    "mat",
    *(
        f"{content}, protocol {protocol}"
        for content in ("levels in a list", "rows of shares", "32-bit shares")
        for protocol in (0, 2, 4, 5)
    ),
]


@pytest.mark.parametrize("form", FORMS)
def test_frey_faces(form: str, tmp_path: Path) -> None:
    if "protocol" in form:
        content, _, number = form.rpartition(", protocol ")
        form = f"{content}, {number}"
    source = write_faces(tmp_path, FACES, form)
    conversion = convert_frey_faces(source, unchecked=True)
    assert np.array_equal(arrays(conversion, "freyfaces/freyfaces.npz")["images"], FACES)
    with pytest.raises(RequestError, match=r"the content is not the known one"):
        convert_frey_faces(source)
    data = FreyFaces(put(conversion, tmp_path), validation=2, test=2).load()
    assert len(data.train) == 8


@pytest.mark.parametrize("form", ["mat", "levels in a list, 2", "rows of shares, 5"])
def test_the_known_frames_are_recognised(form: str, data_dir: Path, tmp_path: Path) -> None:
    with np.load(data_dir / "freyfaces" / "freyfaces.npz") as real:
        images = real["images"]
    conversion = convert_frey_faces(write_faces(tmp_path, images, form))
    assert "the content is the known one" in conversion.checked
    found = arrays(conversion, "freyfaces/freyfaces.npz")["images"]
    assert np.array_equal(found, images)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((3, 7)), r"shape \(3, 7\)"),
        (np.full((3, 560), 0.5), "no levels from 0 to 255"),
        (np.full((3, 560), 300), "no levels from 0 to 255"),
        ([1, 2], "0 arrays"),
        ([np.zeros((3, 560)), np.zeros((3, 560))], "2 arrays"),
    ],
)
def test_frames_of_another_layout(content: object, said: str, tmp_path: Path) -> None:
    (tmp_path / "freyfaces.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(RequestError, match=said):
        convert_frey_faces(tmp_path / "freyfaces.pkl", unchecked=True)
