"""How near does a guess come at what was hidden?"""

from __future__ import annotations

__all__ = ["ImputationQuestion"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question, mean_and_error
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap
from lvm_experiments.spec import categories
from lvm_experiments.types import NonNegativeInt, PositiveInt


class ImputationQuestion(Question):
    """Mean squared error of E[x_mis | x_obs] over the cells that `data.missing` hid; of a table, those of numbers.

    Arguments:
        num_samples: Importance samples K.
        chunk: Draws at a time.
        seed: Of the noise, keyed by example and draw.

    References:
        | MIWAE: deep generative modelling and imputation of incomplete data sets (Mattei & Frellsen, 2019)
        | https://arxiv.org/abs/1812.02633
    """

    def __init__(self, num_samples: PositiveInt, chunk: PositiveInt, seed: NonNegativeInt) -> None:
        self.num_samples, self.chunk, self.seed = num_samples, chunk, seed

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        if batch.hidden is None or not model.likelihood.has_moments:
            return {}
        x = model.impute(batch, self.num_samples, chunk=self.chunk, seed=self.seed)
        error = (observation.inverse(x, rounded=False).double() - raw.double()) ** 2
        hidden = batch.hidden.expand_as(error)
        if observation.source.columns:
            # The numbers of categories have no distances.
            numbers = [categories(c) == 0 for c in observation.source.columns]
            hidden = hidden & torch.tensor(numbers, device=hidden.device)
        error = torch.where(hidden, error, error.new_zeros(()))
        return {"imputation_error": error.flatten(1).sum(1), "hidden_cells": hidden.flatten(1).sum(1).double()}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        if "imputation_error" not in values or not values["hidden_cells"].sum():
            return []
        squares, cells = values["imputation_error"], values["hidden_cells"]
        # The mean over cells, of which examples have different numbers: a ratio, with the error of one.
        value = squares.sum() / cells.sum()
        _, error = mean_and_error((squares - value * cells) / cells.mean())
        return [
            about.measurement(
                "imputation_error",
                float(value),
                estimator="mean of a hidden cell given the observed ones, self-normalised importance sampling",
                standard_error=error,
                num_samples=self.num_samples,
                original=True,
            )
        ]
