"""What is measured: every metric's unit and direction, declared once."""

from __future__ import annotations

__all__ = ["METRICS", "Measurement", "Metric", "metric_of"]

from dataclasses import dataclass

from lvm_experiments.errors import RequestError, nearest


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity, whatever the split it is measured on.

    Arguments:
        name: Its name, without the split.
        unit: Its unit.
        higher_is_better: Its direction; None where neither is better.
        description: What it is, in a few words.
    """

    name: str
    unit: str
    higher_is_better: bool | None
    description: str


METRICS = {
    m.name: m
    for m in (
        Metric("elbo", "nats", True, "evidence lower bound at beta = 1"),
        Metric("iw_elbo", "nats", True, "importance weighted bound with the objective's number of draws"),
        Metric("nll", "nats", False, "minus log evidence"),
        Metric("bits_per_dim", "bits/dim", False, "minus log evidence of the data's own levels"),
        Metric("perplexity", "tokens", False, "exp of minus log evidence per step of a sequence"),
        Metric("rate", "nats", None, "KL from posterior to prior"),
        Metric("distortion", "nats", None, "minus expected log likelihood under the posterior"),
        Metric("active_units", "units", None, "latent dimensions whose posterior mean varies by more than 0.01"),
        Metric("code_perplexity", "codes", None, "codes of the codebook in use, by the entropy of their frequencies"),
        Metric(
            "reconstruction_error", "squared units", False, "mean squared error per dimension in the data's own values"
        ),
        Metric("imputation_error", "squared units", False, "mean squared error of cells that were hidden"),
        Metric("accuracy", "share", True, "examples whose most probable label is the right one"),
        Metric("token_accuracy", "share", True, "steps of a sequence that are reconstructed"),
        Metric("effective_samples", "draws", True, "median effective sample size of the importance weights"),
        Metric("loss", "nats", False, "what training minimises"),
    )
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that carries its meaning.

    Arguments:
        name: `split/metric`.
        value: The number.
        unit: Its unit.
        estimator: How it was found.
        num_samples: The number K of Monte Carlo draws; None where there were none.
        split: `train`, `val` or `test`.
        examples: The number of examples it is over.
        space: The space it was measured in, with the observation map.
        standard_error: Over examples; None for what is no mean.
        monte_carlo_error: Of the estimator; None where there is none or it is not known.
        higher_is_better: The metric's direction.
    """

    name: str
    value: float
    unit: str
    estimator: str
    num_samples: int | None
    split: str
    examples: int
    space: str
    standard_error: float | None
    monte_carlo_error: float | None
    higher_is_better: bool | None


def metric_of(name: str) -> Metric:
    """The metric behind a name like `val/elbo`.

    Raises:
        RequestError: For a metric that is not declared.

    Example:
        >>> metric_of("val/elbo").unit
        'nats'
    """
    metric = METRICS.get(name.rpartition("/")[2])
    if metric is None:
        near = nearest(name.rpartition("/")[2], METRICS)
        hint = f"did you mean {name.rpartition('/')[0]}/{near}" if near else f"there are {', '.join(METRICS)}"
        raise RequestError(f"there is no metric {name!r}", where="monitor", hint=hint)
    return metric
