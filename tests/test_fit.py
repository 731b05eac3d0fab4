"""What cannot go together is refused before anything is written or read: there are no data files in these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.app import main
from lvm_experiments.configuration import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.data import Digits
from lvm_experiments.errors import RequestError
from lvm_experiments.fit import refuse_unfit
from lvm_experiments.objectives import Objective


def config_of(*words: str, folder: Path) -> dict[str, Any]:
    return to_plain(compose([*words, f"paths.data_dir={folder}"]), resolve=True)


UNFIT = {
    "where z lives": (
        ["data=mnist", "model/prior=hyperspherical_uniform"],
        "model.prior: HypersphericalUniformPrior is a distribution over sphere latents",
    ),
    "the space of the data": (
        ["data=cifar10", "model/likelihood=poisson"],
        "model.likelihood: PoissonLikelihood is a distribution over counts values, and the observations are bytes",
    ),
    "a map that cannot be": (
        ["data=newsgroups", "model/likelihood=bernoulli"],
        "observation: counts data cannot be mapped to binary values",
    ),
    "labels": (["data=frey_faces", "model=cvae"], "model: it is conditioned on labels, and the data have none"),
    "a network": (["data=smfish", "model=nb_vae", "model/encoder=conv"], "model.encoder: "),
    "an objective": (
        ["data=omniglot28", "model/posterior=planar", "objective=dreg"],
        "objective: DReG needs a posterior whose density is known at any point",
    ),
    "a part an exact model has no use for": (
        ["data=svhn", "model=ppca", "model/prior=nsf"],
        "model.prior: ProbabilisticPCA has no use for one",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_is_refused_without_data(case: str, tmp_path: Path) -> None:
    words, expected = UNFIT[case]
    with pytest.raises(RequestError) as refused:
        refuse_unfit(config_of(*words, folder=tmp_path))
    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize(
    "words",
    [
        ["data=binarized_mnist", "model=vamp_vae"],
        ["data=caltech101_silhouettes", "model=cvae"],
        ["data=fashion_mnist", "model=beta_tc_vae"],  # which asks for the number of examples
        ["data=mouse_bladder", "model=nb_vae"],
        ["data=digits", "model=gmm"],
    ],
    ids=" ".join,
)
def test_what_fits_is_built_and_not_refused(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    monkeypatch.setattr(Objective, "check", lambda self, model: built.append(model))
    refuse_unfit(config_of(*words, folder=tmp_path))
    assert len(built) == 1  # of anything else than a refusal no word would be said


def test_what_only_the_files_tell_is_left_to_the_run(tmp_path: Path) -> None:
    refuse_unfit(config_of("data=uci", "model=bernoulli_vae", folder=tmp_path))


def test_an_outline_is_what_is_read() -> None:
    assert Digits().load().spec.replace(size=0, mean=None, std=None) == Digits.outline


def test_the_program_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Digits, "load", lambda self: pytest.fail("the data were read"))
    assert main(["model/posterior=von_mises_fisher"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("model.prior: StandardNormalPrior is a distribution over real latents, and ")
    assert "; choose model/prior=hyperspherical_uniform|vampprior" in err
    assert not list(tmp_path.iterdir())
