from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from lvm_experiments.configuration import ConfigTree, check, compose
from lvm_experiments.errors import RequestError

GOOD = [
    [],
    ["model=large"],
    ["model.latent_dim=null"],
    ["model.rate=0.25", "model.names=[]"],
    ["scheduler=step"],
    ["trainer.max_epochs=null"],
    ["trainer.devices=auto"],
    ["trainer.devices=[0,1]"],
    ["trainer.precision=16-mixed"],
    ["+trainer.max_time=00:01:00:00"],
    ["+trainer.gradient_clip_val=1"],
    ["optimizer.lr=1"],
    ["+optimizer.betas=[0.5,0.9]"],
    ["matmul_precision=high"],
    ["callbacks.stopping.patience=1"],
    ["callbacks.stopping=null"],
]
WRONG = {
    "model.latent_dim=-3": "model.latent_dim: -3 is not greater than 0",
    "model.latent_dim=ten": "model.latent_dim: expected an integer, got 'ten'",
    "model.latent_dim=2.5": "model.latent_dim: expected an integer, got 2.5",
    "model.latent_dim=true": "model.latent_dim: expected an integer, got true",
    "model.latent_dim='3'": "model.latent_dim: expected an integer, got '3'",
    "model.rate=1": "model.rate: 1 is not less than 1",
    "model.rate=half": "model.rate: expected a number, got 'half'",
    "model.rate=null": "model.rate: expected a number, got null",
    "model.names=a": "model.names: expected a list, got 'a'",
    "model.names=[a,1]": "model.names[1]: expected a string, got 1",
    "model.encoder.hidden=[3,-1]": "model.encoder.hidden[1]: -1 is not greater than 0",
    "model.encoder.hidden=3": "model.encoder.hidden: expected a list, got 3",
    "model.encoder.activation=relo": "model.encoder.activation: expected one of 'relu', 'tanh', got 'relo'",
    "+model.deep=1": "model.deep: expected true or false, got 1",
    "callbacks.stopping.patience=often": "callbacks.stopping.patience: expected an integer, got 'often'",
    "~callbacks.stopping.patience": "callbacks.stopping.patience: a value is missing, Stopping has no default for it",
    "trainer.max_epochs=ten": "trainer.max_epochs: expected an integer, got 'ten'",
    "trainer.max_epochs=1.5": "trainer.max_epochs: expected an integer, got 1.5",
    "optimizer.lr=abc": "optimizer.lr: expected a number, got 'abc'",
    "+optimizer.amsgrad=1": "optimizer.amsgrad: expected true or false, got 1",
    "seed=null": "seed: expected an integer, got null",
    "seed=-1": "seed: -1 is less than 0",
    "seed=1.5": "seed: expected an integer, got 1.5",
    "compile=1": "compile: expected true or false, got 1",
    "matmul_precision=low": "matmul_precision: expected one of 'highest', 'high', 'medium', got 'low'",
    "tags=word": "tags: expected a list, got 'word'",
    "tags=[1]": "tags[0]: expected a string, got 1",
    "paths.root=null": "paths.root: expected a string, got null",
    "paths.data_dir=3": "paths.data_dir: expected a string, got 3",
    "ckpt_path=/no/such.ckpt": "ckpt_path: there is no file /no/such.ckpt; name a .ckpt file of a run",
    "experiment=wrong": "sede: no such key; did you mean seed?",
    "~seed": "seed: a value is missing",
    "model._partial_=maybe": "model._partial_: expected a bool, got 'maybe'",
    "model._target_=os.system": "model: 'os.system' may not be named; allow_targets lists modules of your own",
    "allow_targets=[]": "model: 'toy_parts.Model' may not be named; allow_targets lists modules of your own",
    "+callbacks.mine={_target_: toy_parts.Stopping, patienc: 3}": (
        "callbacks.mine.patienc: no such key; did you mean callbacks.mine.patience?"
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", GOOD, ids=" ".join)
def test_accepts(words: list[str], toy: ConfigTree) -> None:
    check(compose(words, tree=toy), tree=toy)


@pytest.mark.parametrize("word", WRONG)
def test_refuses_and_says_where(word: str, toy: ConfigTree) -> None:
    config = compose([word], tree=toy)
    with pytest.raises(RequestError) as caught:
        check(config, tree=toy)
    assert str(caught.value) == WRONG[word]


def test_a_checkpoint_that_is_there_is_accepted(toy: ConfigTree, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").touch()
    check(compose([f"ckpt_path={tmp_path}/a.ckpt"], tree=toy), tree=toy)


def test_a_target_hidden_in_lists_is_found(toy: ConfigTree) -> None:
    plain: dict[str, Any] = OmegaConf.to_container(compose([], tree=toy))
    plain["callbacks"]["many"] = [[{"deep": {"_target_": "subprocess.run"}}]]
    with pytest.raises(RequestError, match=r"^callbacks\.many\[0\]\[0\]\.deep: 'subprocess\.run' may not be named"):
        check(plain, tree=toy)


def test_a_misspelt_target_of_the_package_has_its_nearest(toy: ConfigTree) -> None:
    plain: dict[str, Any] = OmegaConf.to_container(compose([], tree=toy))
    plain["model"] = {"_target_": "lvm_experiments.priors.StandardNormalPrio", "_partial_": True}
    with pytest.raises(RequestError, match=r"did you mean lvm_experiments\.priors\.StandardNormalPrior\?"):
        check(plain, tree=toy)


def test_trusts_what_it_is_told_rather_than_what_the_file_says(toy: ConfigTree) -> None:
    config = compose([], tree=toy)
    with pytest.raises(RequestError, match="may not be named"):
        check(config, allow=(), tree=toy)


def test_every_default_of_the_package_is_right() -> None:
    check(compose())
