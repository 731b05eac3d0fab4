"""How often is the most probable label the right one?"""

from __future__ import annotations

__all__ = ["ClassificationQuestion"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question, mean_and_error
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap


class ClassificationQuestion(Question):
    """Accuracy of q(y|x), for models whose latent is the label; other models and data are asked nothing."""

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        found = None if batch.label is None else model.classify(batch)
        if found is None:
            return {}
        assert batch.label is not None
        right = (found.argmax(-1) == batch.label).double()
        return {"label_is_right": torch.where(batch.label >= 0, right, torch.nan)}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        right = values.get("label_is_right")
        if right is None or np.isnan(right).all():
            return []
        value, error = mean_and_error(right[~np.isnan(right)])
        estimator = "most probable label under q(y|x)"
        return [about.measurement("accuracy", value, estimator=estimator, standard_error=error, original=True)]
