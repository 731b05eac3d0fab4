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
from lvm_experiments.spec import categories


class ReconstructionQuestion(Question):
    """Mean squared error of E[x|z] at the posterior mean, over the observed cells; of a table, those of numbers.

    It can be compared across observation spaces, densities cannot. Tokens are numbered, but have no distances: of
    them nothing is asked here.
    """

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        if observation.source.space == "tokens":
            return {}
        guess = observation.inverse(model.reconstruct(batch), rounded=False).double()
        error = (guess - raw.double()) ** 2
        seen = torch.ones_like(error, dtype=torch.bool)
        if observation.source.columns:
            # The numbers of categories have no distances.
            seen = seen & torch.tensor([categories(c) == 0 for c in observation.source.columns], device=seen.device)
        if batch.observed is not None:
            seen = seen & batch.observed
        error = torch.where(seen, error, error.new_zeros(()))
        return {"reconstruction_error": error.flatten(1).sum(1) / seen.flatten(1).sum(1)}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        if "reconstruction_error" not in values:
            return []
        errors = values["reconstruction_error"]
        # Of an example with nothing observed there is nothing to be wrong about.
        errors = errors[~np.isnan(errors)]
        if not len(errors):
            return []
        value, error = mean_and_error(errors)
        real = all(posterior.domain == "real" for posterior in about.model.posteriors)
        point = "posterior mean" if real else "posterior mode (of a direction, its centre)"
        estimator = f"mean of x given the {point} of z"
        return [
            about.measurement("reconstruction_error", value, estimator=estimator, standard_error=error, original=True)
        ]
