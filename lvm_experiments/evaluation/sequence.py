"""How probable is a step of a sequence, and how many come back right?"""

from __future__ import annotations

__all__ = ["SequenceQuestion"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question, mean_and_error
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap


class SequenceQuestion(Question):
    r"""Of tokens: perplexity, and the share of steps at which the most probable sequence has the data's token.

    $$ \mathrm{perplexity} = \exp \frac{\sum_n -\log p(x_n)}{\sum_n L_n} $$

    over all steps of all sequences together, the end of each among them, with the evidence that `EvidenceQuestion`
    finds: what is uncertain of that makes the perplexity too high. The sequence that is compared is `reconstruct`'s,
    which never sees the data's tokens.
    """

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        if observation.source.space != "tokens":
            return {}
        right = (observation.inverse(model.reconstruct(batch)) == raw).double()
        steps = torch.ones_like(right)
        if batch.observed is not None:
            steps = batch.observed.expand_as(right).double()
        return {"steps": steps.sum(1), "token_accuracy": (right * steps).sum(1) / steps.sum(1)}

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        if "steps" not in values or not values["steps"].any():
            return []
        steps, nll = values["steps"], -values["log_evidence"]
        per_step = nll.sum() / steps.sum()
        # Of a ratio of means, to first order.
        _, error = mean_and_error((nll - per_step * steps) / steps.mean())
        noise = values["log_evidence_error"]
        uncertain = float(np.sqrt((noise**2).sum()) / steps.sum())
        perplexity = float(np.exp(per_step))
        accuracy, accuracy_error = mean_and_error(values["token_accuracy"][steps > 0])
        return [
            about.measurement(
                "perplexity",
                perplexity,
                estimator=f"exp of nll per step, over {int(steps.sum())} steps",
                standard_error=None if error is None else perplexity * error,
                monte_carlo_error=None if np.isnan(uncertain) else perplexity * uncertain,
            ),
            about.measurement(
                "token_accuracy",
                accuracy,
                estimator="most probable sequence given the posterior mean of z",
                standard_error=accuracy_error,
                original=True,
            ),
        ]
