"""Whether parts fit is known before the first job, without numbers where torch can do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.configuration import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.runs import RunFolder
from lvm_experiments.sweeps.fit import refusals

REFUSED = {
    "a flow whose masks need numbers": (
        ["model/posterior=iaf", "objective=beta_tc"],
        "objective: BetaTC needs a posterior that factorises over latent dimensions",
    ),
    "a domain": (["model/prior=categorical"], "model.prior: CategoricalPrior is a distribution over one_hot latents"),
    "a discriminator's latents": (
        ["model/posterior=categorical", "model/prior=uniform_categorical", "objective=adversarial"],
        "objective: Adversarial needs a posterior whose draws carry gradients",
    ),
}
FITTING = (
    ["model/posterior=iaf", "model/prior=maf"],
    ["model/prior=vampprior"],
    ["model/prior=exemplar"],
    ["model/posterior=semi_amortised"],
    ["model=ppca", "objective=marginal_likelihood"],
    ["objective=factor"],
)


def folder_of(path: Path, words: list[str]) -> str:
    folder = RunFolder(path)
    folder.create()
    folder.write_config(to_plain(compose(["model=bernoulli_vae", *words]), resolve=True))
    return str(path)


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str, tmp_path: Path) -> None:
    words, reason = REFUSED[case]
    folder = folder_of(tmp_path, words)
    assert refusals([folder])[folder].startswith(reason)


def test_what_fits_is_not_and_every_part_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = set()
    monkeypatch.setattr("lvm_experiments.objectives.Objective.check", lambda self, model: built.add(model))
    folders = [folder_of(tmp_path / str(n), words) for n, words in enumerate(FITTING)]
    assert refusals(folders) == {}
    assert len(built) == len(FITTING)  # of anything else than a refusal no word would be said
