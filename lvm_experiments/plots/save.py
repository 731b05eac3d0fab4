"""Drawing every figure into a folder."""

from __future__ import annotations

__all__ = ["Gallery", "save_figures"]

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from lvm_experiments.errors import Interrupted
from lvm_experiments.plots.catalogue import catalogue
from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.style import png, styled

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gallery:
    """What came of drawing all figures.

    Arguments:
        paths: The files, by the figures' names.
        failures: What went wrong, by the names of figures that could not be drawn.
    """

    paths: dict[str, Path]
    failures: dict[str, str]

    @property
    def warning(self) -> str | None:
        """The failures in one line; None where there were none.

        Example:
            >>> Gallery({}, {"samples": "ValueError: too few"}).warning
            'figures that could not be drawn: samples (ValueError: too few)'
        """
        if not self.failures:
            return None
        told = ", ".join(f"{name} ({reason})" for name, reason in self.failures.items())
        return f"figures that could not be drawn: {told}"


def save_figures(context: Illustration, folder: Path) -> Gallery:
    """Draws every figure that applies and writes it as `NAME.png`; no failure of one is raised.

    A file that is there afterwards is of this model: older ones of figures that failed or do not
    apply are removed.

    Arguments:
        context: What to draw from.
        folder: Where to; made where missing.
    """
    paths: dict[str, Path] = {}
    failures: dict[str, str] = {}
    with styled():
        for name, plot in catalogue().items():
            path = folder / f"{name}.png"
            try:
                path.unlink(missing_ok=True)
                figure = plot.draw(context)
                if figure is not None:
                    _write(path, png(figure))
                    paths[name] = path
            except Interrupted:  # no failure of the figure's
                raise
            except Exception as error:
                log.debug("figure %s", name, exc_info=True)
                failures[name] = " ".join(f"{type(error).__name__}: {error}".split())
    return Gallery(paths, failures)


def _write(path: Path, content: bytes) -> None:
    """The whole file or none, whenever the program is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
