"""Which latent dimensions does the model use?"""

from __future__ import annotations

__all__ = ["RepresentationQuestion"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.models.base import MEAN_DRAWS
from lvm_experiments.observations import ObservationMap
from lvm_experiments.types import PositiveFloat


class RepresentationQuestion(Question):
    """The number of active units: latent dimensions u with Var_x(E_q[u|x]) above a threshold.

    Arguments:
        threshold: Of the variance.

    References:
        | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015), section 5.2
        | https://arxiv.org/abs/1509.00519
    """

    def __init__(self, threshold: PositiveFloat = 0.01) -> None:
        self.threshold = threshold

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        means = model.encode(batch).values()
        return {"latent_mean": torch.cat([m.flatten(1) for m in means], 1).double()}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        variance = values["latent_mean"].var(0)
        known = all(getattr(posterior, "has_mean", True) for posterior in about.model.posteriors)
        means = "posterior means" if known else f"posterior means, each over {MEAN_DRAWS} draws,"
        estimator = f"variance of {means} above {self.threshold:g}, of {len(variance)} dimensions"
        return [about.measurement("active_units", float((variance > self.threshold).sum()), estimator=estimator)]
