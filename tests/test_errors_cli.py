"""What a person sees who mistypes: one line, exit code 2, at once. "At once" is: before torch is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "torchvision", "torchmetrics", "pytorch_lightning", "wandb", "matplotlib", "sklearn", "pandas"}


def ask(*words: str, cwd: Path, module: str = "lvm_experiments") -> tuple[int, str, list[str], set[str]]:
    """Exit code, standard output, lines on standard error, and what was imported."""
    command = [sys.executable, "-X", "importtime", "-m", module, *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "HYDRA_FULL_ERROR": "0"}
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=60)
    lines = ran.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    return ran.returncode, ran.stdout, [line for line in lines if not line.startswith("import time:")], imported


WRONG = {
    "an option": (["model=bernouli_vae"], "model: no option 'bernouli_vae'; did you mean bernoulli_vae? options: "),
    "an option of a part": (
        (["model/likelihood=gausian"], "model/likelihood: no option 'gausian'; did you mean gaussian?")
    ),
    "a group": (["modle=bernoulli_vae"], "modle: no such key; did you mean model?"),
    "a key": (["model.latnt_dim=3"], "model.latnt_dim: no such key; did you mean model.latent_dim?"),
    "a key without its path": (["latent_dim=3"], "latent_dim: no such key; did you mean model.latent_dim?"),
    "a key after a plus": (["+model.latnt_dim=3"], "model.latnt_dim: no such key; did you mean model.latent_dim?"),
    "a key after two": (["++trainer.max_epoch=3"], "trainer.max_epoch: no such key; did you mean trainer.max_epochs?"),
    "a group after a plus": (
        (["+model=gaussian_vae"], "+model=gaussian_vae: the group has an option already; drop the plus")
    ),
    "a type": (["trainer.max_epochs=ten"], "trainer.max_epochs: expected an integer, got 'ten'"),
    "a type of a part": (["model.latent_dim=2.5"], "model.latent_dim: expected an integer, got 2.5"),
    "a range": (["model.latent_dim=-3"], "model.latent_dim: -3 is not greater than 0"),
    "no seed": (["seed=null"], "seed: expected an integer, got null"),
    "a word that cannot be read": (["model.latent_dim=(3"], "model.latent_dim=(3: cannot be read as key=value"),
    "a word without value": (["model.latent_dim"], "model.latent_dim: cannot be read as key=value; write key=value"),
    "a sweep without -m": (["seed=0,1"], "seed=0,1: several values are a sweep; add -m"),
    "a flag": (["--mutlirun"], "--mutlirun: no such flag; did you mean --multirun?"),
    "a value of a flag": (["--cfg", "jobs"], "argument --cfg/-c: invalid choice: 'jobs'"),
    "a wrong key while showing": (
        (["--cfg", "job", "latent_dim=3"], "latent_dim: no such key; did you mean model.latent_dim?")
    ),
    "every value of a sweep": (
        (["model=gausian_vae", "-m"], "model: no option 'gausian_vae'; did you mean gaussian_vae?")
    ),
    "an interpolation": (["name=${sed}"], "name: Interpolation key 'sed' not found"),
    "a checkpoint": (["ckpt_path=nowhere.ckpt"], "ckpt_path: there is no file nowhere.ckpt"),
    "a target": (["model._target_=os.system"], "model: 'os.system' may not be named"),
    "a folder to write to": (["paths.root=taken"], "paths.root: cannot write to "),
    "a folder of files": (["-cd", "nowhere"], "{cwd}/nowhere: there is no such folder of configuration files"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_line_and_no_torch(name: str, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    words, expected = WRONG[name]
    code, out, lines, imported = ask(*words, cwd=tmp_path)
    assert code == 2
    assert out == ""
    assert len(lines) == 1
    assert lines[0].startswith(expected.replace("{cwd}", str(tmp_path)))
    assert not imported & HEAVY
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


@pytest.mark.parametrize("module", ["lvm_experiments", "lvm_experiments.job"])
def test_a_folder_that_is_no_run(module: str, tmp_path: Path) -> None:
    words = ["resume=."] if module == "lvm_experiments" else ["."]
    code, _, lines, imported = ask(*words, cwd=tmp_path, module=module)
    assert (code, lines) == (2, [f"{tmp_path}: is not the folder of a run; give the folder that holds config.yaml"])
    assert not imported & HEAVY


def test_a_sweep_cannot_resume(tmp_path: Path) -> None:
    code, _, lines, _ = ask("-m", "resume=.", cwd=tmp_path)
    assert (code, lines) == (2, ["resume: one run goes on at a time; leave out -m"])


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["--cfg", "job"], ["--cfg", "job", "--resolve", "seed=3"]]
)
def test_answers_without_torch(words: list[str], tmp_path: Path) -> None:
    code, out, lines, imported = ask(*words, cwd=tmp_path)
    assert (code, lines) == (0, [])
    assert out
    assert not imported & HEAVY
    assert not list(tmp_path.iterdir())
