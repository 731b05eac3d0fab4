"""How probable are the data? Bounds and estimates of log p(x)."""

from __future__ import annotations

__all__ = ["EvidenceQuestion"]

import math

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question, mean_and_error
from lvm_experiments.models import Evidence, LatentVariableModel
from lvm_experiments.observations import ObservationMap
from lvm_experiments.types import NonNegativeInt, PositiveInt


class EvidenceQuestion(Question):
    """Evidence, its lower bound, rate and distortion, from the same K draws.

    Arguments:
        num_samples: K.
        chunk: Draws at a time.
        seed: Of the noise, keyed by example and draw.
    """

    def __init__(self, num_samples: PositiveInt, chunk: PositiveInt, seed: NonNegativeInt) -> None:
        self.num_samples, self.chunk, self.seed = num_samples, chunk, seed
        # Of a rank that sees no example.
        self.estimator = f"importance sampling, K = {num_samples}"

    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        weights, rates, likelihoods = [], [], []
        for draw in model.draws(batch, self.num_samples, chunk=self.chunk, seed=self.seed):
            weights.append(draw.log_weight.double())
            rates.append(draw.kl.double().expand(len(draw.log_weight), -1))
            likelihoods.append(draw.log_lik.double())
        if type(model).evidence is LatentVariableModel.evidence:
            evidence = Evidence.from_log_weights(torch.cat(weights))
        else:
            evidence = model.evidence(batch, self.num_samples, chunk=self.chunk, seed=self.seed)
        self.estimator = evidence.estimator
        rate, distortion = torch.cat(rates).mean(0), -torch.cat(likelihoods).mean(0)
        return {
            "log_evidence": evidence.log_p,
            "log_evidence_error": evidence.standard_error,
            "effective_samples": evidence.effective_samples,
            "elbo": -(rate + distortion),
            "rate": rate,
            "distortion": distortion,
        }

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        draws: dict[str, int | None] = {"num_samples": self.num_samples}
        found = []
        for name in ("elbo", "rate", "distortion"):
            value, error = mean_and_error(values[name])
            estimator = f"posterior draws, K = {self.num_samples}, beta = 1"
            found.append(about.measurement(name, value, estimator=estimator, standard_error=error, **draws))
        nll, error = mean_and_error(-values["log_evidence"])
        errors = values["log_evidence_error"]
        # Estimates of different examples are independent; one draw tells nothing of its own error.
        noise = None if np.isnan(errors).any() else float(np.sqrt((errors**2).sum()) / len(errors))
        exact = self.estimator == "exact"
        estimator = f"{self.estimator}, {'closed form' if exact else 'posterior as proposal'}"
        if exact:
            draws = {"num_samples": None}
        found.append(
            about.measurement("nll", nll, estimator=estimator, standard_error=error, monte_carlo_error=noise, **draws)
        )
        log_det = about.observation.log_det()
        of_levels = about.observation.source.levels and about.model.likelihood.normalised
        if log_det is not None and not about.masked and of_levels:
            scale = about.model.spec.dims * math.log(2)
            found.append(
                about.measurement(
                    "bits_per_dim",
                    (nll - log_det) / scale,
                    estimator=estimator + (", dequantisation bound" if log_det else ""),
                    standard_error=None if error is None else error / scale,
                    monte_carlo_error=None if noise is None else noise / scale,
                    **draws,
                )
            )
        if np.isfinite(values["effective_samples"]).all():
            found.append(
                about.measurement(
                    "effective_samples", float(np.median(values["effective_samples"])), estimator=estimator, **draws
                )
            )
        return found
