"""How probable are the data? Bounds and estimates of log p(x)."""

from __future__ import annotations

__all__ = ["EvidenceQuestion"]

import logging
import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import Measurement
from lvm_experiments.evaluation.question import About, Question, mean_and_error
from lvm_experiments.models import Evidence, LatentVariableModel
from lvm_experiments.observations import ObservationMap
from lvm_experiments.types import NonNegativeInt, PositiveInt

_log = logging.getLogger(__name__)
_BOUND_DRAWS = 100  # for rate and distortion where the evidence itself takes none
_AT_CODES = "lower bound of the evidence at the nearest codes"
_FEW = 5  # effective draws below which the error of importance sampling cannot be told from its draws


class EvidenceQuestion(Question):
    """Evidence, its lower bound, rate and distortion, from the same K draws.

    Of a model whose posterior is deterministic there is one draw to be had, and the bound stands for the evidence.

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
        exact = type(model).evidence is not LatentVariableModel.evidence
        draws = min(self.num_samples, _BOUND_DRAWS) if exact else self.num_samples
        if certain := _are_deterministic(model, all):
            draws = 1
        for draw in model.draws(batch, draws, chunk=self.chunk, seed=self.seed):
            weights.append(draw.log_weight.double())
            rates.append(draw.kl.double().expand(len(draw.log_weight), -1))
            likelihoods.append(draw.log_lik.double())
        if exact:
            evidence = model.evidence(batch, self.num_samples, chunk=self.chunk, seed=self.seed)
        elif certain:
            (log_p,) = torch.cat(weights)
            evidence = Evidence(log_p, torch.zeros_like(log_p), torch.full_like(log_p, torch.inf), _AT_CODES, 1)
        else:
            evidence = Evidence.from_log_weights(torch.cat(weights))
        self.estimator = evidence.estimator
        rate, log_lik = torch.cat(rates), torch.cat(likelihoods)
        return {
            "log_evidence": evidence.log_p,
            "log_evidence_error": evidence.standard_error,
            "effective_samples": evidence.effective_samples,
            "elbo": (log_lik - rate).mean(0),
            "elbo_error": _error_of_mean(log_lik - rate),
            "rate": rate.mean(0),
            "rate_error": _error_of_mean(rate),
            "distortion": -log_lik.mean(0),
            "distortion_error": _error_of_mean(log_lik),
        }

    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        certain = _are_deterministic(about.model, all)
        samples: int | None = None if certain else self.num_samples
        found = []
        for name in ("elbo", "rate", "distortion"):
            value, error = mean_and_error(values[name])
            noise = _noise(values[f"{name}_error"])
            estimator = f"{'nearest codes' if certain else f'posterior draws, K = {samples}'}, beta = 1"
            found.append(
                about.measurement(
                    name, value, estimator=estimator, standard_error=error, monte_carlo_error=noise, num_samples=samples
                )
            )
        nll, error = mean_and_error(-values["log_evidence"])
        errors = values["log_evidence_error"]
        noise = _noise(errors)
        if noise is not None:
            # The log of a mean is too low by half its squared error to first order, in every example alike.
            noise = float(np.hypot(noise, (errors**2).mean() / 2))
        exact = self.estimator == "exact"
        estimator = f"{self.estimator}, {'closed form' if exact else 'posterior as proposal'}"
        if certain:
            estimator = _AT_CODES
        elif _are_deterministic(about.model, any):
            estimator += f", {_AT_CODES}"
        if exact:
            samples = None
        found.append(
            about.measurement(
                "nll", nll, estimator=estimator, standard_error=error, monte_carlo_error=noise, num_samples=samples
            )
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
                    original=True,
                    num_samples=samples,
                )
            )
        effective = float(np.median(values["effective_samples"]))
        if np.isfinite(effective):
            if effective < _FEW and self.num_samples >= _FEW:
                _log.warning(
                    "half of the %s examples have fewer than %.1f effective draws of %d: their NLL may be too high by "
                    "more than its Monte Carlo error; raise evaluation.num_samples",
                    about.split,
                    max(effective, 1.0) + 0.05,
                    self.num_samples,
                )
            found.append(about.measurement("effective_samples", effective, estimator=estimator, num_samples=samples))
        return found


def _are_deterministic(model: LatentVariableModel, which: Callable[[Iterable[bool]], bool]) -> bool:
    """Whether all, or any, of its posteriors know one value only; a model without posteriors has none that do."""
    facts = [posterior.deterministic for posterior in model.posteriors]
    return bool(facts) and which(facts)


def _error_of_mean(draws: Tensor) -> Tensor:
    """The standard error of the mean over K draws, `(K, B)` to `(B,)`; NaN for one draw, which tells nothing of it."""
    if len(draws) < 2:
        return torch.full_like(draws[0], torch.nan)
    return draws.std(0) / math.sqrt(len(draws))


def _noise(errors: np.ndarray) -> float | None:
    """The error of a mean over examples, whose estimates are independent; None where it is not known."""
    return None if np.isnan(errors).any() else float(np.sqrt((errors**2).sum()) / len(errors))
