"""How near does a reconstruction come, in the data's own values?"""

from __future__ import annotations

__all__ = ["ReconstructionQuestion"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question, mean_and_error
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap


class ReconstructionQuestion(Question):
    """Mean squared error of E[x|z] at the posterior mean, over the observed cells.

    It can be compared across observation spaces, densities cannot.
    """

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        guess = observation.inverse(model.reconstruct(batch), rounded=False).double()
        error = (guess - raw.double()) ** 2
        seen = torch.ones_like(error, dtype=torch.bool)
        if batch.observed is not None:
            seen = batch.observed.expand_as(error)
        error = torch.where(seen, error, error.new_zeros(()))
        return {"reconstruction_error": error.flatten(1).sum(1) / seen.flatten(1).sum(1)}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        errors = values["reconstruction_error"]
        # Of an example with nothing observed there is nothing to be wrong about.
        value, error = mean_and_error(errors[~np.isnan(errors)])
        estimator = "mean of x given the posterior mean of z"
        return [
            about.measurement("reconstruction_error", value, estimator=estimator, standard_error=error, original=True)
        ]
