"""Asking a model everything, on any number of ranks."""

from __future__ import annotations

__all__ = ["Evaluation", "Report"]

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import distributed

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.classification import ClassificationQuestion
from lvm_experiments.evaluation.code_usage import CodeUsageQuestion
from lvm_experiments.evaluation.evidence import EvidenceQuestion
from lvm_experiments.evaluation.imputation import ImputationQuestion
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question
from lvm_experiments.evaluation.reconstruction import ReconstructionQuestion
from lvm_experiments.evaluation.representation import RepresentationQuestion
from lvm_experiments.evaluation.sequence import SequenceQuestion
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.processes import several_processes
from lvm_experiments.types import NonNegativeInt, PositiveInt


@dataclass(frozen=True)
class Report:
    """The answers.

    Arguments:
        measurements: The numbers.
        examples: Per-example values by name, shape `(N, ...)`, with `index`, in the order of the data set.
    """

    measurements: list[Measurement]
    examples: dict[str, np.ndarray]


class Evaluation:
    """How thoroughly to measure. The noise is keyed by example, so no number depends on batches, chunks or ranks.

    Arguments:
        num_samples: Importance samples K.
        max_examples: Of each split, drawn once and for all; None: all.
        splits: Which splits.
        batch_size: Examples at a time.
        chunk: Draws at a time.
        seed: Of the evaluation noise; independent of the run's, so that runs see the same binarised test set.

    Raises:
        RequestError: No split is named, or one twice.
    """

    def __init__(
        self,
        num_samples: PositiveInt = 100,
        max_examples: PositiveInt | None = 2000,
        splits: list[str] | None = None,
        batch_size: PositiveInt = 100,
        chunk: PositiveInt = 50,
        seed: NonNegativeInt = 0,
    ) -> None:
        self.num_samples, self.max_examples = num_samples, max_examples
        self.splits = ["val", "test"] if splits is None else splits
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise RequestError(
                f"expected each split once, got {self.splits}",
                where="evaluation.splits",
                hint="there are train, val, test",
            )
        self.batch_size, self.chunk, self.seed = batch_size, chunk, seed

    def chosen(self, examples: int) -> torch.Tensor | None:
        """The examples of a split that are measured, or None for all of them."""
        if self.max_examples is None or self.max_examples >= examples:
            return None
        # Not the first ones, which may be of one class; not of the run's seed, since runs are compared in pairs.
        order = torch.randperm(examples, generator=torch.Generator().manual_seed(0))
        return order[: self.max_examples].sort().values

    def questions(self) -> list[Question]:
        """What is asked."""
        return [
            EvidenceQuestion(self.num_samples, self.chunk, self.seed),
            ReconstructionQuestion(),
            ImputationQuestion(self.num_samples, self.chunk, self.seed),
            RepresentationQuestion(),
            CodeUsageQuestion(),
            SequenceQuestion(),
            ClassificationQuestion(),
        ]

    def measure(
        self,
        model: LatentVariableModel,
        observation: ObservationMap,
        batches: Iterable[Batch],
        split: str,
        *,
        report_progress: Callable[[int], None] = lambda n: None,
    ) -> Report:
        """Measures this rank's batches and puts those of all ranks together.

        Arguments:
            model: The model.
            observation: The map to its likelihood's space.
            batches: Raw batches, each with the examples' numbers.
            split: What the split is called.
            report_progress: Called with the number of examples after each batch.

        Raises:
            ValueError: For observations outside the likelihood's support.
        """
        questions = self.questions()
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        parts: dict[str, list[np.ndarray]] = {}
        masked = False
        with _evaluating(model):
            for raw in batches:
                batch = observe(observation, raw.to(device), self.seed)
                assert batch.x is not None
                assert raw.x is not None
                assert raw.index is not None
                masked = masked or batch.observed is not None
                model.likelihood.check(batch.x, batch.observed)
                answers = {"index": raw.index}
                for question in questions:
                    answers |= question.per_example(model, observation, batch, raw.x.to(device))
                for name, values in answers.items():
                    parts.setdefault(name, []).append(values.cpu().numpy())
                report_progress(len(raw))
        mine = {name: np.concatenate(found) for name, found in parts.items()}
        examples, masked = _gathered(mine, masked=masked)
        about = About(model, observation, split, len(examples["index"]), masked)
        measurements = [m for question in questions for m in question.summarise(examples, about)]
        return Report(measurements, examples)


@contextmanager
def _evaluating(model: LatentVariableModel) -> Iterator[None]:
    """No gradients, no dropout, full precision; as it was afterwards."""
    training, precision = model.training, torch.get_float32_matmul_precision()
    tf32 = torch.backends.cudnn.allow_tf32
    model.eval()
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = tf32


def _gathered(values: dict[str, np.ndarray], *, masked: bool) -> tuple[dict[str, np.ndarray], bool]:
    """The values of all ranks, sorted by example: no shard is padded and none is counted twice."""
    shards = [(values, masked)]
    if several_processes():
        shards *= distributed.get_world_size()
        distributed.all_gather_object(shards, (values, masked))
    found = [shard for shard, _ in shards if shard]
    if not found:
        raise ValueError("there is no example to measure")
    together = {name: np.concatenate([shard[name] for shard in found]) for name in found[0]}
    order = np.argsort(together["index"], kind="stable")
    return {name: x[order] for name, x in together.items()}, any(m for _, m in shards)
