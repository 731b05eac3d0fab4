"""Evaluation: one question per file, numbers that carry their meaning.

What is measured is told without torch; what measures it is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lvm_experiments.evaluation.metrics import METRICS, Measurement, Metric, metric_of

if TYPE_CHECKING:
    from lvm_experiments.evaluation.classification import ClassificationQuestion
    from lvm_experiments.evaluation.code_usage import CodeUsageQuestion
    from lvm_experiments.evaluation.evaluation import Evaluation, Report
    from lvm_experiments.evaluation.evidence import EvidenceQuestion
    from lvm_experiments.evaluation.imputation import ImputationQuestion
    from lvm_experiments.evaluation.question import About, Question
    from lvm_experiments.evaluation.reconstruction import ReconstructionQuestion
    from lvm_experiments.evaluation.representation import RepresentationQuestion
    from lvm_experiments.evaluation.sequence import SequenceQuestion

__all__ = [
    "METRICS",
    "About",
    "ClassificationQuestion",
    "CodeUsageQuestion",
    "Evaluation",
    "EvidenceQuestion",
    "ImputationQuestion",
    "Measurement",
    "Metric",
    "Question",
    "ReconstructionQuestion",
    "Report",
    "RepresentationQuestion",
    "SequenceQuestion",
    "metric_of",
]

_LATER = {
    "About": "question",
    "ClassificationQuestion": "classification",
    "CodeUsageQuestion": "code_usage",
    "Evaluation": "evaluation",
    "EvidenceQuestion": "evidence",
    "ImputationQuestion": "imputation",
    "Question": "question",
    "ReconstructionQuestion": "reconstruction",
    "Report": "evaluation",
    "RepresentationQuestion": "representation",
    "SequenceQuestion": "sequence",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
