"""A class that is named on the command line gets what it takes of the old one's arguments, and nothing else."""

from __future__ import annotations

import pytest

from lvm_experiments.configuration import check, compose, compose_job
from lvm_experiments.errors import RequestError

LAPLACE = "model.prior._target_=lvm_experiments.priors.LaplacePrior"
OTHER = "model.likelihood._target_=lvm_experiments.likelihoods."


def test_what_it_does_not_take_goes() -> None:
    found = compose_job(["model/prior=mixture_of_normals", LAPLACE])
    assert set(found.config.model.prior) == {"_target_", "_partial_"}
    assert found.leftovers
    assert all(word.startswith("~model.prior.") for word in found.leftovers)
    # Words that another program, Hydra, takes as they are.
    again = compose(["model/prior=mixture_of_normals", LAPLACE, *found.leftovers])
    assert again.model == found.config.model


def test_what_it_takes_stays() -> None:
    found = compose_job(["model/likelihood=logistic_predicted", f"{OTHER}PredictedLaplaceLikelihood"])
    assert found.leftovers == ()
    assert set(found.config.model.likelihood) == {"_target_", "_partial_", "min_scale"}


@pytest.mark.parametrize("word", ["model.likelihood.variance=0.3", "+model.likelihood.varianc=0.3"])
def test_what_a_word_sets_is_never_dropped_in_silence(word: str) -> None:
    words = ["model/likelihood=gaussian", word, f"{OTHER}BernoulliLikelihood"]
    with pytest.raises(RequestError, match=r"^model\.likelihood\.varianc.*: no such key; "):
        check(compose(words))


def test_parts_chosen_by_a_word_are_not_dropped_either() -> None:
    config = compose(["model/prior=laplace", "model._target_=lvm_experiments.data.Digits"])
    assert "encoder" not in config.model
    with pytest.raises(RequestError, match=r"^model\.(prior|latent_dim): no such key"):
        check(config)
    assert config.model.prior._target_.endswith("LaplacePrior")
