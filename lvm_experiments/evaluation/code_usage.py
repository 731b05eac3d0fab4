"""How many of a codebook's codes does the model use?"""

from __future__ import annotations

__all__ = ["CodeUsageQuestion"]

from typing import Any

import numpy as np
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions.codes import nearest_code
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap


class CodeUsageQuestion(Question):
    """The perplexity of the codes chosen, over examples and positions; models without codes are asked nothing.

    As many equally likely codes would be as hard to guess: 1 for a codebook of which one code is left in use.

    References:
        | Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        | https://arxiv.org/abs/1711.00937
    """

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        codebook = _codebook_of(model)
        return {} if codebook is None else {"codes": nearest_code(model.encode(batch)["z"], codebook)}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        codebook = _codebook_of(about.model)
        if codebook is None:
            return []
        share = np.bincount(values["codes"].ravel()) / values["codes"].size
        perplexity = np.exp(-(share[share > 0] * np.log(share[share > 0])).sum())
        estimator = f"exp of the entropy of the nearest codes, of {len(codebook)}"
        return [about.measurement("code_perplexity", float(perplexity), estimator=estimator)]


def _codebook_of(model: Any) -> Tensor | None:
    """The code vectors of the latent z, shape `(C, D)`; None where z is something else."""
    return next((posterior.codebook for posterior in model.posteriors if posterior.domain == "codes"), None)
