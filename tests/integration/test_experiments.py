"""Every named experiment composes, says what it is to show, and leaves alone what the command line may choose."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from omegaconf import DictConfig

from lvm_experiments.batch import Batch
from lvm_experiments.configuration import check, compose, instantiate
from lvm_experiments.objectives import Progress
from lvm_experiments.options import conf_dir
from lvm_experiments.spec import DataSpec

CONF = conf_dir()
FILES = sorted(path for path in (CONF / "experiment").glob("*.yaml") if path.stem != "none")
# What the data would be described as, so that no data are needed.
IMAGES = DataSpec("bytes", (1, 28, 28), levels=256, classes=10, size=1000, mean=torch.rand(1, 28, 28))
SPECS = {
    "BinarizedMnist": IMAGES.replace(space="binary", levels=2),
    "Caltech101Silhouettes": IMAGES.replace(space="binary", levels=2),
    "Digits": DataSpec("bytes", (1, 8, 8), levels=17, size=1000, mean=torch.rand(1, 8, 8), std=torch.ones(1, 8, 8)),
    "FreyFaces": DataSpec("bytes", (1, 28, 20), levels=256, size=1000, mean=torch.rand(1, 28, 20)),
    "Mnist": IMAGES,
    "Newsgroups": DataSpec("counts", (50,), size=1000, mean=torch.rand(50)),
    "Npz": DataSpec("binary", (1, 64, 64), levels=2, size=1000),
    "Omniglot28": IMAGES,
    "Ptb": DataSpec("tokens", (12,), levels=30, size=1000),
    "Uci": DataSpec("real", (4,), size=1000, mean=torch.zeros(4), std=torch.ones(4)),
}


@cache
def composed(name: str, *more: str) -> DictConfig:
    config = compose([f"experiment={name}", *more])
    check(config)
    return config


def chosen(path: Path) -> dict[str, str]:
    """The options that an experiment chooses, those of the one it is a variant of among them."""
    found: dict[str, str] = {}
    for entry in yaml.safe_load(path.read_text())["defaults"]:
        if isinstance(entry, str):
            found |= chosen(path.with_stem(entry))
        else:
            found |= {key.removeprefix("override /"): option for key, option in entry.items()}
    return found


def settings(path: Path) -> dict[str, Any]:
    """The keys it sets, likewise."""
    plain = yaml.safe_load(path.read_text())
    above = [settings(path.with_stem(entry)) for entry in plain.pop("defaults") if isinstance(entry, str)]
    return {key: value for tree in (*above, leaves(plain)) for key, value in tree.items()}


def header(path: Path) -> dict[str, str]:
    """The facts of an experiment by name, and what stands before them under `title`."""
    facts, name = {"title": ""}, "title"
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        found = re.match(r"# (Published|Measured here|Cost|Differs): (.*)", line)
        name, text = found.groups() if found else (name, line.lstrip("# "))
        facts[name] = f"{facts.get(name, '')} {text}".strip()
    return facts


def leaves(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_header_has_what_a_reader_has_to_know(path: Path) -> None:
    facts = header(path)
    assert set(facts) == {"title", "Published", "Measured here", "Cost", "Differs"}
    assert re.match("@package _global_ [A-Z]", facts["title"])
    assert re.search(rf"python -m lvm_experiments experiment={path.stem}( |$)", facts["title"])
    # An option that the header names is there.
    for group, option in re.findall(r"\b((?:model/|objective/)?[a-z]+)=([a-z]\w*)", " ".join(facts.values())):
        if (CONF / group).is_dir():
            assert (CONF / group / f"{option}.yaml").is_file(), (group, option)
    # What differs is said in full, or is that of an experiment there is.
    if (above := re.match("as ([a-z0-9_]+)", facts["Differs"])) is not None:
        assert path.with_stem(above[1]).is_file()
    # A number with where it comes from, or that there is none; a number measured with its unit, or that there is none.
    published = facts["Published"]
    assert re.search(r"\d.*\[[SRTM]\]", published) or re.match("none|curves", published), published
    assert re.search(r"\d (nats|bits|squared units)", facts["Measured here"]) or facts["Measured here"] == "not run."
    assert re.search("core|GPU", facts["Cost"])
    assert all(fact.endswith(".") for name, fact in facts.items() if name != "title")
    assert all(len(line) <= 120 for line in path.read_text().splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_sets_no_key_inside_a_part_that_can_be_chosen(path: Path) -> None:
    """They would leak into the next part: what is set is the model's own or an argument of every option."""
    assert {"model", "data", "evaluation"} <= set(chosen(path))
    for key in settings(path):
        group, _, name = key.partition(".")
        assert key in ("model.latent_dim", "data.batch_size") or group == "trainer", key
        for option in (CONF / group).glob("*.yaml"):
            plain = yaml.safe_load(option.read_text()) or {}
            assert name in plain or "defaults" in plain or "_target_" not in plain, (key, option.stem)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_what_its_choices_say_unless_the_command_line_chooses(path: Path) -> None:
    config = composed(path.stem)
    words = [f"{group}={option}" for group, option in chosen(path).items()]
    words += [f"{key}={value}" for key, value in settings(path).items()]
    assert composed("none", *words) == config


def test_the_command_line_wins() -> None:
    config = composed(
        "iwae2015_mnist_k50", "optimizer=sgd", "objective=elbo", "model/decoder=mlp", "trainer.max_epochs=3"
    )
    plain = composed("none", "optimizer=sgd", "objective=elbo", "model/decoder=mlp")
    assert (config.optimizer, config.objective) == (plain.optimizer, plain.objective)
    assert config.model.decoder == plain.model.decoder
    assert config.trainer.max_epochs == 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_parts_go_together_and_take_a_step(path: Path) -> None:
    config = composed(path.stem)
    spec = SPECS[config.data["_target_"].rpartition(".")[2]]
    observation = instantiate(config.observation, "observation")(spec)
    torch.manual_seed(0)
    model = instantiate(config.model, "model")(observation.spec)
    objective = instantiate(config.objective, "objective")
    objective.bind(model)
    objective.check(model)
    for key in ("data", "scheduler", "evaluation", "callbacks", "logger"):
        instantiate(config[key], key)
    optimizer = instantiate(config.optimizer, "optimizer")(model.parameters())
    before = [p.clone() for p in model.parameters()]
    losses = objective(model, examples(observation.spec), Progress())
    losses.loss["model"].backward()
    optimizer.step()
    assert all(p.isfinite().all() for p in model.parameters())
    assert any(not torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def examples(spec: DataSpec, n: int = 2) -> Batch:
    """Values that the data could have."""
    shape = (n, *spec.shape)
    if spec.space in ("counts", "real"):
        x = torch.randn(shape)
        return Batch(x if spec.space == "real" else x.exp().round())
    label = torch.arange(n) if spec.classes else None
    return Batch(torch.randint(spec.levels, shape).float(), label=label, index=torch.arange(n))


def test_the_recipe_of_importance_weighted_autoencoders() -> None:
    config = composed("iwae2015_mnist_k50")
    assert (config.data.batch_size, config.objective.num_samples, config.evaluation.num_samples) == (20, 50, 5000)
    optimizer = config.optimizer
    assert list(optimizer.betas) == [0.99, 0.999]
    # Theirs begins at 1 with eps 1e-4, for the sum over a batch.
    assert optimizer.start * 20**2 == pytest.approx(1.0)
    assert optimizer.eps * 20 == pytest.approx(1e-4)
    model = instantiate(config.model, "model")(instantiate(config.observation, "observation")(IMAGES).spec)
    assert model.latent_dim == 50
    assert [p.shape[0] for p in model.encoder.parameters() if p.ndim == 2] == [200, 200]
    mean = model.decode({"z": torch.zeros(1, 50)})[0]
    assert (mean - model.spec.mean).abs().mean() < 0.02


def test_a_schedule_of_the_rate_s_weight_reaches_where_it_is_chosen() -> None:
    config = composed("vampprior2018_mnist_static")
    assert (config.objective.schedule.duration, config.objective.schedule.unit) == (100, "epoch")
    assert (config.callbacks.early_stopping.patience, config.callbacks.early_stopping.warm_up) == (50, 100)
    assert (
        composed("vampprior2018_mnist_static", "model/prior=standard_normal")
        .model.prior["_target_"]
        .endswith("StandardNormalPrior")
    )
