"""Every file of conf/ composes and builds, and every part goes with every preset or says with what it does."""

from __future__ import annotations

import copy
import inspect
import random
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from omegaconf import DictConfig
from torch import nn

from lvm_experiments.batch import Batch
from lvm_experiments.configuration import check, compose, instantiate
from lvm_experiments.errors import RequestError
from lvm_experiments.options import conf_dir
from lvm_experiments.testing import check_composition, small_data
from lvm_experiments.testing.compositions import Composition, pairs, presets, random_compositions, swapped_presets
from lvm_experiments.testing.compositions import options as options_of_parts
from tests.support.members import members

CONF = conf_dir()
# Experiments, which name no class, have a module of their own.
FILES = sorted(path for path in CONF.rglob("*.yaml") if path.parent not in (CONF, CONF / "experiment"))
PARTS = ("encoder", "posterior", "prior", "decoder", "likelihood")
PRESETS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))


def group_of(path: Path) -> str:
    return path.parent.relative_to(CONF).as_posix()


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def name_of(path: Path) -> str:
    return f"{group_of(path)}={path.stem}"


@cache
def composed(*words: str) -> DictConfig:
    """To be read only."""
    config = compose(words)
    check(config)
    return config


def tried(composition: Composition) -> str | None:
    """The one sentence it is refused in, or None where all of it works."""
    config = composed(*composition.words)
    return check_composition(config, small_data(composition.data, condition=composition.condition))


def refusal(action: Callable[[], object]) -> str | None:
    """What a refused action says, on its one line; None where nothing is refused."""
    try:
        action()
    except RequestError as error:
        return str(error)
    return None


def one_of_each_class() -> Iterator[Composition]:
    """Options of parts; that a variant of one builds is tested of every file."""
    seen = set()
    for composition in options_of_parts():
        word = next(word for word in composition.words if word.startswith(f"model/{composition.family}="))
        path = CONF / f"{word.replace('=', '/')}.yaml"
        target = (composition.family, yaml.safe_load(path.read_text())["_target_"])
        if target not in seen:
            seen.add(target)
            yield composition


# What is built, trained and measured below.
TRIED = [*one_of_each_class(), *presets()]
ELSEWHERE = {word for composition in TRIED for word in composition.words}
ELSEWHERE |= {f"{group}={name}" for group in ("objective", "observation") for name in options(group)}


# ---- every file


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path) not in ELSEWHERE], ids=name_of)
def test_it_composes_and_builds(path: Path) -> None:
    config = composed(name_of(path))
    for key in (
        "data",
        "observation",
        "objective",
        "model",
        "optimizer",
        "scheduler",
        "evaluation",
        "callbacks",
        "logger",
    ):
        instantiate(config[key], key)


@pytest.mark.parametrize("name", options("trainer"))
def test_a_trainer_is_built_or_refused_with_one_line(name: str) -> None:
    config = composed(f"trainer={name}")
    text = refusal(lambda: instantiate({**config.trainer, "_partial_": True}, "trainer")(logger=False))
    if text is not None:
        assert name in ("gpu", "mps", "ddp"), text
        assert re.fullmatch("trainer: .+", text)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_its_keys_are_arguments_in_their_order(path: Path) -> None:
    for node in nodes(yaml.safe_load(path.read_text())):
        keys = [key for key in node if key != "defaults"]
        special = ["_target_", "_partial_"][: 1 + ("_partial_" in keys)]
        assert keys[: len(special)] == special
        given = keys[len(special) :]
        module, _, name = node["_target_"].rpartition(".")
        arguments = inspect.signature(getattr(import_module(module), name)).parameters
        if not any(a.kind is a.VAR_KEYWORD for a in arguments.values()):
            assert set(given) <= set(arguments)
        if module.startswith("lvm_experiments"):
            assert given == [argument for argument in arguments if argument in given]
            # What is left out has no default, so that the run has to give it, or is a group of its own.
            left_out = [a for a in arguments.values() if a.name not in given and not (path.parent / a.name).is_dir()]
            assert all(a.default is a.empty for a in left_out), left_out


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "_target_" in tree:
            yield tree
        for value in tree.values():
            yield from nodes(value)


def test_every_part_of_the_package_has_a_file() -> None:
    """A class that nobody can choose is not there."""
    named = {node["_target_"] for path in FILES for node in nodes(yaml.safe_load(path.read_text()))}
    for package, bases in {
        "likelihoods": ("Likelihood",),
        "posteriors": ("Posterior",),
        "priors": ("Prior",),
        "networks": ("Encoder", "Decoder"),
        "objectives": ("Objective", "Schedule"),
        "observations": ("ObservationMap",),
        "data": ("DataSet",),
        "models": ("LatentVariableModel",),
    }.items():
        package = f"lvm_experiments.{package}"
        known = import_module(package)
        for kind in {kind for base in bases for kind in members(package, getattr(known, base))}:
            if kind.__name__ not in known.__all__ and kind.__subclasses__():
                continue  # what several data sets have in common
            # By the catalogue's name or, where it lists nothing of the kind, by the module's.
            assert {f"{package}.{kind.__name__}", f"{kind.__module__}.{kind.__name__}"} & named


# ---- every part and preset, and a sample of what they can be composed to


def spoken(composition: Composition) -> str:
    return " ".join(composition.words)


@pytest.mark.parametrize("composition", TRIED, ids=spoken)
def test_every_part_and_preset_trains_is_measured_sampled_and_saved(composition: Composition) -> None:
    assert tried(composition) is None


SAMPLED = [
    *random.Random(0).sample(list(pairs()), 28),
    *random_compositions(16, seed=1),
    *swapped_presets(20, seed=2),
]


@pytest.mark.parametrize("composition", SAMPLED, ids=spoken)
def test_a_composition_works_or_is_refused_in_one_sentence(composition: Composition) -> None:
    text = refusal(lambda: tried(composition)) or ""
    assert "\n" not in text
    for group, names in re.findall(r"\b(model/\w+|model|objective|observation|data)=([\w|]+)", text):
        assert set(names.split("|")) <= set(options(group)), text


@pytest.mark.parametrize("objective", options("objective"))
def test_an_objective_goes_with_some_model_or_says_which(objective: str) -> None:
    text = tried(Composition(("model=bernoulli_vae", f"objective={objective}"), "images"))
    if text is not None:
        (preset,) = re.findall(r"model=([a-z0-9_]+)", text)[:1]
        assert tried(Composition((f"model={preset}", f"objective={objective}"), "images")) is None


@pytest.mark.parametrize("observation", options("observation"))
def test_an_observation_that_does_not_fit_a_likelihood_names_those_that_do(observation: str) -> None:
    text = tried(Composition(("model=bernoulli_vae", f"observation={observation}"), "images"))
    assert text is None or re.search("choose model/likelihood=", text)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_part_that_is_left_out_is_missed(preset: str) -> None:
    whole, own = composed(f"model={preset}"), choices_of(preset)
    for part in PARTS:
        if own[part] == "none":
            continue
        config = copy.deepcopy(whole)
        config.model[part] = None  # as model/PART=none composes to
        text = check_composition(config, small_data("images"))
        assert text is not None
        if f"model.{part}" in text:
            assert re.match(f"model.{part}: this model needs one; choose one with model/{part}=", text)


@pytest.mark.parametrize("part", PARTS)
def test_none_leaves_a_part_out(part: str) -> None:
    assert composed(f"model/{part}=none").model[part] is None


@cache
def choices_of(preset: str) -> dict[str, str]:
    defaults = yaml.safe_load((CONF / "model" / f"{preset}.yaml").read_text())["defaults"]
    return {key: value for entry in defaults if isinstance(entry, dict) for key, value in entry.items()}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_chooses_options_and_sets_no_key_within_them(preset: str) -> None:
    path = CONF / "model" / f"{preset}.yaml"
    plain = yaml.safe_load(path.read_text())
    assert path.read_text().startswith("# ")
    assert set(choices_of(preset)) >= set(PARTS)
    assert {"defaults", "_target_", "_partial_", "latent_dim"} <= set(plain)
    assert not set(plain) & set(PARTS)


def test_there_are_the_models_that_people_look_for() -> None:
    wanted = """bernoulli_vae gaussian_vae sigma_vae continuous_bernoulli_vae discretized_logistic_vae beta_vae
    beta_tc_vae factor_vae dip_vae info_vae wae iwae dreg vamp_vae exemplar_vae flow_prior_vae iaf_vae sylvester_vae
    planar_vae hyperspherical_vae categorical_vae vq_vae hvae ladder_vae pixel_vae cvae m2 poisson_vae nb_vae prodlda
    sentence_vae ppca factor_analysis gmm"""
    assert set(wanted.split()) <= set(PRESETS)


@pytest.mark.parametrize(("preset", "option"), [("beta_vae", "beta"), ("iwae", "iwae")])
def test_a_preset_has_its_objective_unless_another_is_chosen(preset: str, option: str) -> None:
    plain = composed().objective
    assert composed(f"model={preset}").objective == composed(f"objective={option}").objective != plain
    for words in permutations((f"model={preset}", "objective=elbo")):
        assert composed(*words).objective == plain
    for words in permutations((f"model={preset}", "objective=iwae", "objective.num_samples=7")):
        assert composed(*words).objective.num_samples == 7


OBSERVED = [
    name
    for name in options("model/likelihood")
    if "/observation@" in (CONF / "model" / "likelihood" / f"{name}.yaml").read_text()
]


@pytest.mark.parametrize("likelihood", OBSERVED)
def test_a_likelihood_has_its_observation_unless_another_is_chosen(likelihood: str) -> None:
    (chosen,) = [
        entry["override /observation@_global_.observation"]
        for entry in yaml.safe_load((CONF / "model" / "likelihood" / f"{likelihood}.yaml").read_text())["defaults"]
        if isinstance(entry, dict)
    ]
    one = f"model/likelihood={likelihood}"
    assert composed(one).observation == composed(f"observation={chosen}").observation
    other = composed(one, "observation=binary_static").observation
    assert other["_target_"] == "lvm_experiments.observations.BinariseStatic"


def test_an_observation_that_is_chosen_keeps_its_keys_wherever_it_stands() -> None:
    for words in permutations(("model/likelihood=gaussian", "observation=binary_static", "observation.seed=9")):
        assert composed(*words).observation.seed == 9


# ---- pairs of groups


def is_scheduled(objective: str) -> bool:
    """Whether it, or the one it is a variant of, has a schedule to choose."""
    defaults = yaml.safe_load((CONF / "objective" / f"{objective}.yaml").read_text()).get("defaults", [])
    above = [entry for entry in defaults if isinstance(entry, str) and entry != "_self_"]
    return any(isinstance(entry, dict) for entry in defaults) or any(map(is_scheduled, above))


def is_a_variant(option: str) -> bool:
    """Of an experiment of which nothing but a few choices is changed, and which stands for it here."""
    defaults = (yaml.safe_load((CONF / "experiment" / f"{option}.yaml").read_text()) or {}).get("defaults", [])
    return any(isinstance(entry, str) for entry in defaults)


PAIRS = [
    (f"{a}={x}", f"{b}={y}")
    for a, b in [
        ("debug", "experiment"),
        ("callbacks", "debug"),
        ("objective", "objective/schedule"),
    ]
    for x in options(a)
    for y in options(b)
    if "none" not in (x, y)
    if (a != "objective" or is_scheduled(x)) and (b != "experiment" or not is_a_variant(y))
]


@pytest.mark.parametrize("objective", [name for name in options("objective") if not is_scheduled(name)][::6])
def test_an_objective_without_a_schedule_has_none_to_choose(objective: str) -> None:
    with pytest.raises(RequestError, match=f"objective={objective} has no schedule to choose; choose ") as refusal:
        composed(f"objective={objective}", "objective/schedule=linear")
    named = str(refusal.value).rpartition("objective=")[2].partition(",")[0].split("|")
    assert named == [name for name in options("objective") if is_scheduled(name)]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_options_go_together(one: str, other: str) -> None:
    config = composed(one, other)
    for word in (one, other):
        group, _, option = word.partition("=")
        plain = yaml.safe_load((CONF / group / f"{option}.yaml").read_text()) or {}
        target = plain.get("_target_")
        node = config
        for key in group.split("/"):
            node = node.get(key) if node is not None else None
        assert target is None or node["_target_"] == target


def test_the_order_of_words_does_not_matter() -> None:
    words = ("debug=limit", "callbacks=none", "scheduler=cosine", "optimizer=sgd")
    assert composed(*words) == composed(*reversed(words))


def test_debug_beats_what_it_is_put_on_top_of() -> None:
    assert composed("debug=fdr").trainer.fast_dev_run is True
    assert composed("debug=limit", "trainer=cpu").trainer.max_epochs == 3
    assert composed("debug=limit", "trainer.max_epochs=9").trainer.max_epochs == 9
    assert composed("debug=overfit").trainer.overfit_batches == 3
    assert composed("debug=profiler").trainer.profiler == "simple"
    for debug in ("debug=fdr", "debug=limit"):
        assert composed(debug).evaluation == composed("evaluation=glance").evaluation
        for words in permutations((debug, "evaluation=full")):
            assert composed(*words).evaluation == composed("evaluation=full").evaluation
    assert composed("callbacks=none").trainer.enable_checkpointing is False


def test_the_default_model_has_the_sizes_it_is_known_for() -> None:
    from lvm_experiments.spec import DataSpec

    build = partial(instantiate, composed().model, "model")
    small, large = (build()(DataSpec("binary", shape, levels=2)) for shape in ((1, 8, 8), (1, 28, 28)))
    assert (small.latent_dim, large.latent_dim) == (16, 50)
    sizes = [layer.out_features for layer in large.encoder.modules() if isinstance(layer, nn.Linear)]
    assert sizes == [200, 200]
    assert any(isinstance(layer, nn.Tanh) for layer in large.encoder.modules())
    config = composed()
    assert (config.optimizer["_target_"], config.optimizer.lr) == ("torch.optim.Adam", 1e-3)
    assert config.data.batch_size == 128
    assert len(Batch(torch.zeros(3, 1, 28, 28))) == 3


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_at_the_top_is_explained(path: Path) -> None:
    text = path.read_text()
    keys = set(yaml.safe_load(text)) - {"defaults", "hydra"}
    assert keys
    for key in keys:
        assert re.search(rf"^{key}:.* # \S", text, re.MULTILINE), key
