"""A comparison, written as every file there is of it."""

from __future__ import annotations

__all__ = ["FILES", "write_comparison"]

from pathlib import Path

from lvm_experiments.errors import RequestError
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.export import rows_csv, runs_csv, table_latex, table_markdown
from lvm_experiments.reports.html import report_html
from lvm_experiments.runs.files import atomic_write

FILES = ("report.html", "table.csv", "runs.csv", "table.md", "table.tex")


def write_comparison(
    comparison: Comparison, out: Path, *, reload: float | None = None, pictures: int = 24
) -> list[Path]:
    """Writes the report and the tables, each whole or not at all.

    Arguments:
        comparison: What to write.
        out: The folder.
        reload: Seconds after which the report loads itself again; None: never.
        pictures: Rows whose pictures are in the report, at most.

    Raises:
        RequestError: The folder cannot be written.
    """
    report = report_html(comparison, out=out, reload=reload, pictures=pictures)
    tables = (rows_csv(comparison), runs_csv(comparison), table_markdown(comparison), table_latex(comparison))
    try:
        for name, content in zip(FILES, (report, *tables), strict=True):
            atomic_write(out / name, content)
    except OSError as error:
        hint = "choose another folder with out=DIR"
        raise RequestError(f"cannot be written ({error.strerror})", where=str(out), hint=hint) from None
    return [out / name for name in FILES]
