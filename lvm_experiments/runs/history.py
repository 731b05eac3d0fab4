"""metrics.csv: the history of training, one row per step."""

from __future__ import annotations

__all__ = ["History"]

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from lvm_experiments.runs.files import atomic_write

Row = dict[str, str]


class History:
    """A table that grows downwards by steps and to the right by new names.

    Numbers of one step go into one row. A row is appended, or the last one replaced, in place; a
    new name rewrites the file under a longer header. A file that is there is gone on with.

    Arguments:
        path: The file; made by the first row.

    Example:
        >>> path = getfixture("tmp_path") / "metrics.csv"
        >>> history = History(path)
        >>> history.add(9, {"epoch": 0, "val/elbo": -120.5})
        >>> history.add(9, {"train/elbo": -130.0})
        >>> print(path.read_text())
        epoch,step,val/elbo,train/elbo
        0,9,-120.5,-130.0
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._columns: list[str] = []
        self._last: Row = {}
        self._offset = 0

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Adds numbers to the row of a step.

        Arguments:
            step: The step; the last one again, or a new one.
            values: Numbers by name.
        """
        if not self._columns:
            self._open()
        row = {name: _text(value) for name, value in values.items()} | {"step": str(step)}
        again = self._last.get("step") == row["step"]
        if again:
            row = self._last | row
        new = [name for name in row if name not in self._columns]
        if new or not self.path.exists():
            kept = self.rows()[: -1 if again else None]
            self._columns += new
            self._write([*kept, row])
        else:
            self._put(row, again=again)
        self._last = row

    def rows(self) -> list[Row]:
        """All rows, as they are written. A row torn by a crash is left out."""
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
        header = lines[0] if lines else []
        whole = (line for line in lines[1:] if len(line) == len(header) and line[header.index("step")].isdigit())
        return [{name: cell for name, cell in zip(header, line, strict=True) if cell} for line in whole]

    def cut(self, steps: int) -> None:
        """Takes back everything from a step on, names that came later included.

        Arguments:
            steps: The first step that is no longer there.
        """
        kept = [row for row in self.rows() if int(row["step"]) < steps]
        self._last = {}
        if not kept:
            self._columns = []
            self.path.unlink(missing_ok=True)
            return
        named = {name for row in kept for name in row}
        self._columns = [name for name in self._header() if name in named]
        self._write(kept)

    def _open(self) -> None:
        rows = self.rows()
        self._columns = self._header() or ["epoch", "step"]
        if rows:
            self._write(rows)  # without a torn end, and with the last row's place known
            self._last = rows[-1]

    def _header(self) -> list[str]:
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), [])

    def _write(self, rows: list[Row]) -> None:
        head = [_line(self._columns), *(self._format(row) for row in rows[:-1])]
        self._offset = sum(map(len, head))
        atomic_write(self.path, b"".join([*head, self._format(rows[-1])]))

    def _put(self, row: Row, *, again: bool) -> None:
        with self.path.open("r+b") as file:
            self._offset = file.seek(self._offset) if again else file.seek(0, io.SEEK_END)
            file.write(self._format(row))
            file.truncate()

    def _format(self, row: Row) -> bytes:
        return _line([row.get(name, "") for name in self._columns])


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()


def _text(value: float) -> str:
    # repr gives all digits of a float back.
    return str(value) if isinstance(value, int) else repr(float(value))
