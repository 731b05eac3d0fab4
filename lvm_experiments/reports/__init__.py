"""Reports: what people read, made from run folders and measurements."""

__all__ = ["shortened", "show_files", "show_measurements", "show_results"]

from lvm_experiments.reports.paths import shortened
from lvm_experiments.reports.table import show_files, show_measurements, show_results
