"""Parts in files of one's own, in whatever folder one is: the README's words, and one part of every kind."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import run
from tests.support.readme import README

SMALL = [
    "data.limit=200", "trainer.max_epochs=1", "trainer.accelerator=cpu", "evaluation=glance", "callbacks.summary=null",
    "callbacks.progress=null",
]  # fmt: skip
PARTS = '''
import torch
from torch import nn

from lvm_experiments.batch import Batch
from lvm_experiments.data import Digits
from lvm_experiments.distributions import DiagonalNormal, StandardNormal
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.networks import Encoder
from lvm_experiments.objectives import Losses, Objective
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat


class FewDigits(Digits):
    """A data set of one's own."""


class Flat(Encoder):
    def __init__(self, spec: DataSpec):
        super().__init__()
        self.features = spec.dims

    def forward(self, x, batch):
        return x.flatten(1)


class Broad(Posterior):
    domain = "real"
    gradient = "reparameterised"
    has_density_at = factorised = True
    care = "it is never narrow"

    def __init__(self, features: int, latent_dim: int, floor: PositiveFloat = 0.1):
        super().__init__()
        self.event_shape, self.floor = (latent_dim,), floor
        self.linear = nn.Linear(features, 2 * latent_dim)

    def forward(self, features):
        loc, width = self.linear(features).chunk(2, -1)
        return DiagonalNormal(loc, torch.log(self.floor + nn.functional.softplus(width)))


class Plain(Prior):
    domain = "real"

    def __init__(self, event_shape, spec: DataSpec):
        super().__init__()
        self.register_buffer("zero", torch.zeros(event_shape))

    def forward(self, condition=None):
        return StandardNormal(self.zero)


class Hexed(Plain):
    domain = "one_hot"


class Half(Objective):
    def compute(self, model, batch: Batch, progress):
        draw = self.draw(model, batch)
        bound = (draw.log_lik - draw.kl).mean(0)
        return Losses({"model": -bound.mean() / 2}, {"elbo": bound.detach()})
'''
CHECKS = """
import own_parts
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_encoder, check_objective, check_posterior, check_prior

spec = DataSpec("real", (1, 8, 8))
check_encoder(own_parts.Flat, spec)
check_posterior(own_parts.Broad)
check_prior(own_parts.Plain)
check_objective(own_parts.Half)
"""
OPTION = "_target_: own_parts.{}\n_partial_: true\n"


def as_python_does() -> None:
    """The folder where one is comes first, as with `python -m`."""
    sys.path.insert(0, os.getcwd())


def call(folder: Path, *words: str, module: str = "lvm_experiments", code: int = 0) -> str:
    """Runs a program in a folder; gives all that it says."""
    ended = run(*words, module=module, cwd=folder, before=as_python_does)
    assert ended.code == code, ended.out + ended.err
    return ended.out + ended.err


def execute(folder: Path, text: str) -> None:
    """Runs the lines of a Python program in a folder."""
    (folder / "program.py").write_text(f"{text}\n\ndef main(words):\n    pass\n")
    call(folder, module="program")


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    """What the README shows of parts of one's own."""
    section = README.read_text(encoding="utf-8").split("## Parts of your own\n")[1].split("\nPython 3.11 or later")[0]
    return re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)


def test_the_readme_shows_a_likelihood_in_15_lines_that_work(blocks: list[str], tmp_path: Path) -> None:
    part, commands, loaded, option = blocks
    assert len(part.splitlines()) <= 15
    name = part.splitlines()[0].removeprefix("# ")
    (tmp_path / name).write_text(part)
    trains, samples = commands.splitlines()
    _, *words = shlex.split(trains)
    # For once as a person does it, and not by a process that has imported everything already.
    command = [sys.executable, *words, *SMALL, "hydra.run.dir=run"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "test/nll" in ended.stdout
    assert "OutlierLikelihood" in (tmp_path / "run" / "config.yaml").read_text()
    _, _, module, *words = shlex.split(samples.replace("RUN_DIR", "run"))
    assert "samples.npz" in call(tmp_path, *words, "n=4", module=module)
    again, allow = ["run=run", "evaluation=glance", "device=cpu"], f"allow_targets=[{Path(name).stem}]"
    assert "test/nll" in call(tmp_path, *again, allow, module="lvm_experiments.evaluate")
    assert "may not be named" in call(tmp_path, *again, module="lvm_experiments.evaluate", code=2)
    execute(tmp_path, loaded.replace("RUN_DIR", "run"))
    folder = tmp_path / "my_conf" / "model" / "likelihood"
    folder.mkdir(parents=True)
    (folder / "outliers.yaml").write_text(option)
    shown = call(tmp_path, "--config-dir", "my_conf", "model/likelihood=outliers", allow, "--cfg", "job")
    assert "_target_: my_likelihoods.OutlierLikelihood" in shown


def test_one_part_of_every_kind(tmp_path: Path) -> None:
    (tmp_path / "own_parts.py").write_text(PARTS)
    for group, option in {"prior": "Plain", "posterior": "Broad", "encoder": "Flat"}.items():
        folder = tmp_path / "conf" / "model" / group
        folder.mkdir(parents=True)
        (folder / "own.yaml").write_text(OPTION.format(option))
    words = [
        "--config-dir", "conf", "allow_targets=[own_parts]", *SMALL,
        "model/prior=own", "model/posterior=own", "model/encoder=own", "+model.posterior.floor=0.2",
        "objective._target_=own_parts.Half", "data._target_=own_parts.FewDigits",
    ]  # fmt: skip
    said = call(tmp_path, *words, "hydra.run.dir=run")
    for text in (said, (tmp_path / "run" / "run.log").read_text()):
        assert text.count("Broad: it is never narrow") == 1
    assert "floor: 0.2" in (tmp_path / "run" / "config.yaml").read_text()
    execute(tmp_path, CHECKS)
    refused = call(tmp_path, *words, "model.prior._target_=own_parts.Hexed", "hydra.run.dir=other", code=2)
    # An option of one's own is an alternative like the package's.
    assert re.search(r"^model.prior: Hexed is .*; choose model/prior=.*\|nsf\|own\|standard_normal", refused, re.M)


WRONG = {
    "own_parts.Brod": r"there is no own_parts.Brod; did you mean own_parts.Broad\?",
    "other_parts.Broad": "there is no module other_parts; Python looks in the folder where you are",
    "broken_parts.Broad": "broken_parts cannot be imported: ",
    "own_parts.Plain": "Plain is no Posterior; one of your own derives from lvm_experiments.posteriors.Posterior",
}


@pytest.mark.parametrize("target", WRONG)
def test_what_is_wrong_with_it_is_one_line(target: str, tmp_path: Path) -> None:
    (tmp_path / "own_parts.py").write_text(PARTS)
    (tmp_path / "broken_parts.py").write_text("class Broad(:\n")
    words = ["model.posterior._target_=" + target, "allow_targets=[own_parts,other_parts,broken_parts]", *SMALL]
    said = call(tmp_path, *words, "hydra.run.dir=run", code=2)
    assert len(said.splitlines()) == 1
    assert re.search(WRONG[target], said), said
