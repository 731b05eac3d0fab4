"""The comparison as one HTML file that needs nothing else."""

__all__ = ["report_html"]

from lvm_experiments.reports.html.page import report_html
