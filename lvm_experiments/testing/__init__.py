"""Contract checks: what a part has to keep to work with every other part, for yours as for the package's own.

Each takes what the configuration takes, a class or a partial of one, and raises AssertionError with a
sentence that says which promise is broken. They need no test runner; in a test they are one line.

Example:
    >>> from lvm_experiments.likelihoods import BernoulliLikelihood
    >>> from lvm_experiments.spec import DataSpec
    >>> check_likelihood(BernoulliLikelihood, DataSpec("binary", (1, 8, 8), levels=2))
"""

__all__ = [
    "check_composition",
    "check_decoder",
    "check_encoder",
    "check_likelihood",
    "check_model",
    "check_objective",
    "check_observation_map",
    "check_posterior",
    "check_prior",
    "small_data",
]

from lvm_experiments.testing.composition import check_composition
from lvm_experiments.testing.latents import check_posterior, check_prior
from lvm_experiments.testing.likelihood import check_likelihood
from lvm_experiments.testing.model import check_model
from lvm_experiments.testing.networks import check_decoder, check_encoder
from lvm_experiments.testing.objective import check_objective
from lvm_experiments.testing.observation_map import check_observation_map
from lvm_experiments.testing.small_data import small_data
