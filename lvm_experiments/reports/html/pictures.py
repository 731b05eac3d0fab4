"""The pictures of runs, small enough to stand beside those of all others."""

from __future__ import annotations

__all__ = ["Gallery", "gallery", "tiles"]

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.html.markup import Html, element
from lvm_experiments.reports.rows import Row
from lvm_experiments.reports.run import Run

BUDGET = 3_000_000  # letters that all pictures may take; the report has to stay below 6 MB
_SHOWN = 8  # images of a strip: as many as a phone is wide
_WIDTH = 352  # pixels that a strip is about wide
_CELL = 72  # pixels that an image in a figure is about wide
_GAP = 3  # pixels between the images of a strip
_FRAME = 176  # grey of the frame around each image of a run's figures
_COARSE = 20  # pixels of an image below which each is drawn as a square of several


@dataclass(frozen=True)
class Gallery:
    """Pictures of rows.

    Arguments:
        test: The test images that all rows reconstruct; None where rows show different ones or whole figures.
        rows: By the row's name: its pictures, by what they show.
        left_out: How many rows with pictures are not here.
    """

    test: Html | None
    rows: dict[str, dict[str, Html]]
    left_out: int


def gallery(comparison: Comparison, most: int) -> Gallery:
    """The pictures of the first completed run of each row, as many as there is room for.

    Arguments:
        comparison: The comparison.
        most: How many rows; the best of every space first, then the second of every space, and so on.
    """
    place = {number: rank for members in comparison.groups.values() for rank, number in enumerate(members)}
    order = sorted(range(len(comparison.rows)), key=lambda number: place.get(number, len(comparison.rows)))
    candidates = [(n, run) for n in order if (run := _illustrated(comparison.rows[n])) is not None]
    room = BUDGET
    found: dict[int, dict[str, Html]] = {}
    tests: dict[int, Html | None] = {}
    for number, run in candidates[:most]:
        pictures, test = _pictures(run)
        size = sum(map(len, pictures.values())) + len(test or "")
        if pictures and size <= room:
            room -= size
            found[number], tests[number] = pictures, test
    shared = set(tests.values())
    if len(shared) > 1:  # different data: each row with its own
        found = {n: ({"test images": test} if (test := tests[n]) else {}) | found[n] for n in found}
    rows = {comparison.rows[number].name: found[number] for number in sorted(found)}
    return Gallery(shared.pop() if len(shared) == 1 else None, rows, len(candidates) - len(found))


@dataclass(frozen=True)
class Panel:
    """Images of a figure that stand together.

    Arguments:
        rows: Images, shape `(H, W, 3)` each, by row.
        band: After so many rows there is more space: rows of a figure come in bands of data and what was made of them.
    """

    rows: list[list[np.ndarray]]
    band: int

    def kind(self, number: int) -> list[np.ndarray]:
        """The images in this row of every band, from the left and from the top; of the last row for -1."""
        return [image for row in self.rows[number % self.band :: self.band] for image in row]


def tiles(path: Path, height: int, width: int) -> list[Panel]:
    """The images of a figure, each pixel of theirs one pixel again, panels from the left.

    They are found by the grey frames around them; without such frames nothing is found.

    Arguments:
        path: A figure of images.
        height: Of an image.
        width: Of an image.

    Raises:
        OSError: It cannot be read.
    """
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    grey = pixels[..., 0] == _FRAME  # of one colour: a whole frame of it by chance is unheard of
    across = np.pad(np.cumsum(grey, 1, dtype=np.int32), ((0, 0), (1, 0)))
    down = np.pad(np.cumsum(grey, 0, dtype=np.int32), ((1, 0), (0, 0)))
    usual = max(1, round(_CELL / max(height, width)))
    for zoom in (usual, *(z for z in range(2 * usual, 0, -1) if z != usual)):
        h, w = height * zoom + 2, width * zoom + 2
        if h > grey.shape[0] or w > grey.shape[1]:
            continue
        flat = across[:, w:] - across[:, :-w] == w  # w grey pixels from here to the right
        upright = down[h:] - down[:-h] == h  # h grey pixels from here downwards
        rows, columns = grey.shape[0] - h + 1, grey.shape[1] - w + 1
        corners = flat[:rows] & flat[h - 1 :] & upright[:, :columns] & upright[:, w - 1 :]
        places = np.argwhere(corners)
        if len(places):
            return _panels(pixels, places, h, w, zoom)
    return []


def _panels(pixels: np.ndarray, places: np.ndarray, h: int, w: int, zoom: int) -> list[Panel]:
    panels = []
    lefts = sorted({int(left) for _, left in places})
    starts = [left for i, left in enumerate(lefts) if i == 0 or left - lefts[i - 1] > w + 20]
    for start, end in zip(starts, [*starts[1:], pixels.shape[1]], strict=True):
        grid: dict[int, list[np.ndarray]] = {}
        for top, left in places.tolist():
            if start <= left < end:
                grid.setdefault(top, []).append(pixels[top + 1 : top + h - 1 : zoom, left + 1 : left + w - 1 : zoom])
        tops = list(grid)
        gaps = [i for i in range(1, len(tops)) if tops[i] - tops[i - 1] > h + 6]
        panels.append(Panel(list(grid.values()), gaps[0] if gaps else len(tops)))
    return panels


def _illustrated(row: Row) -> Run | None:
    """The first completed run of a row that has pictures."""
    names = ("reconstructions.png", "samples.png")
    done = (run for run in row.runs if run.completed)
    return next((run for run in done if any((run.folder.figures / name).is_file() for name in names)), None)


def _pictures(run: Run) -> tuple[dict[str, Html], Html | None]:
    """The pictures of a run by what they show, and the test images of its reconstructions."""
    figures = run.folder.figures
    found: dict[str, Html] = {}
    test = None
    reconstructions = _read(run, figures / "reconstructions.png")
    if reconstructions and reconstructions[0].band > 1:
        test = _strip(reconstructions[0].kind(0), "test images")
        found["reconstructions"] = _strip(reconstructions[0].kind(-1), f"{run.name}: reconstructions")
    samples = _read(run, figures / "samples.png")
    for what, panel in zip(("means of samples", "samples"), samples, strict=False):
        found[what] = _strip([image for row in panel.rows for image in row], f"{run.name}: {what}")
    for what in ("reconstructions", "samples"):
        if what not in found and (figures / f"{what}.png").is_file():
            found |= _whole(figures / f"{what}.png", what, run.name)
    return found, test


def _read(run: Run, path: Path) -> list[Panel]:
    try:
        shape = json.loads(run.folder.spec.read_bytes())["shape"]
        return tiles(path, shape[1], shape[2]) if len(shape) == 3 else []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # a figure that is not of images, or none: shown whole, or not at all


def _strip(images: Sequence[np.ndarray], words: str) -> Html:
    """The first images side by side."""
    shown = np.stack(images[:_SHOWN])
    count, height, width = shown.shape[:3]
    zoom = max(1, (_WIDTH - _GAP * (count - 1)) // (count * width)) if max(height, width) < _COARSE else 1
    large = shown.repeat(zoom, 1).repeat(zoom, 2)
    grey = bool((large == large[..., :1]).all())
    sheet = Image.new("LA" if grey else "RGBA", (count * width * zoom + _GAP * (count - 1), height * zoom))
    for number, pixels in enumerate(large):
        sheet.paste(Image.fromarray(pixels[..., 0] if grey else pixels), (number * (width * zoom + _GAP), 0))
    scale = 1.0 if zoom > 1 else max(1.0, _WIDTH / sheet.width)
    size = {"width": round(sheet.width * scale), "height": round(sheet.height * scale)}
    # Photographs are several times smaller as WebP, which is transparent between them as well.
    kind = "PNG" if grey or zoom > 1 else "WEBP"
    return _image(sheet, kind, words, class_="pixels" if zoom > 1 else None, **size)


def _whole(path: Path, what: str, name: str) -> dict[str, Html]:
    """A figure that is no grid of images, made smaller."""
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except OSError:
        return {}
    image.thumbnail((720, 720))
    size = {"width": image.width // 2, "height": image.height // 2}
    return {what: _image(image.quantize(64), "PNG", f"{name}: {what}", class_="paper", **size)}


def _image(image: Image.Image, kind: str, words: str, **attributes: object) -> Html:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=85)
    uri = f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return element("img", src=uri, alt=words, **attributes)
