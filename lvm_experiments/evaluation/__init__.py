"""Evaluation: one question per file, numbers that carry their meaning."""

__all__ = [
    "METRICS",
    "About",
    "Evaluation",
    "EvidenceQuestion",
    "Measurement",
    "Metric",
    "Question",
    "ReconstructionQuestion",
    "Report",
    "RepresentationQuestion",
    "metric_of",
]

from lvm_experiments.evaluation.evaluation import Evaluation, Report
from lvm_experiments.evaluation.evidence import EvidenceQuestion
from lvm_experiments.evaluation.metrics import METRICS, Measurement, Metric, metric_of
from lvm_experiments.evaluation.question import About, Question
from lvm_experiments.evaluation.reconstruction import ReconstructionQuestion
from lvm_experiments.evaluation.representation import RepresentationQuestion
