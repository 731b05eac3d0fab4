"""What a search is asked for, composed and checked before anything is written."""

from __future__ import annotations

__all__ = ["SearchPlan", "make_search_plan"]

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from lvm_experiments.configuration import ConfigTree, check, compose_job, parse_override, points
from lvm_experiments.configuration.checking import check_object
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.configuration.places import with_absolute_paths
from lvm_experiments.configuration.settings import SweepSettings
from lvm_experiments.configuration.targets import locate
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import metric_of
from lvm_experiments.sweeps.plan import ENGINES
from lvm_experiments.sweeps.search_settings import SearchSettings, read_settings
from lvm_experiments.sweeps.search_space import Dimension, dimension, split_words

# Words that change neither what a trial computes nor which one is tried.
_FREE = re.compile(
    r"(hparams_search\.(n_trials|slots)|(hydra|paths|sweep|logger|callbacks\.(progress|summary))([./].*)?|tags|extra_tags|name)$"
)
_LETTERS = 60


@dataclass(frozen=True)
class SearchPlan:
    """A search as a command asks for it.

    Arguments:
        name: Its name.
        folder: Where it lies.
        question: What it asks.
        settings: How it goes about it.
        sweep: How its trials are run.
        launcher: What starts them, `hydra.launcher`.
        allow: Modules of the user's own that configurations may name.
        fixed: Words that all trials share.
        space: What is sought.
        monitor: The validation metric that trials are judged by.
        maximise: Its direction.
        config_name: The primary file.
        tree: Where the files are.
        chosen: What was composed of the same choices before.
    """

    name: str
    folder: Path
    question: str
    settings: SearchSettings
    sweep: SweepSettings
    launcher: dict[str, Any]
    allow: tuple[str, ...]
    fixed: tuple[str, ...]
    space: tuple[Dimension, ...]
    monitor: str
    maximise: bool
    config_name: str
    tree: ConfigTree
    chosen: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def identity(self) -> dict[str, Any]:
        """What has to be the same for a search to be gone on with."""
        settings = self.settings
        return {
            "words": [word for word in self.fixed if not _is_free(word)],
            "space": sorted(one.word for one in self.space),
            "monitor": self.monitor,
            "seed": settings.seed,
            "sampler": settings.sampler,
            "pruner": settings.pruner,
            "startup_trials": settings.startup_trials,
            "warmup_epochs": settings.warmup_epochs,
        }

    def job(self, point: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The configuration of a trial, and what it asks of the engine that starts it.

        Arguments:
            point: The values it tries, as they are written.

        Raises:
            RequestError: They do not go together.
        """
        words = [*self.fixed, *(f"{key}={text}" for key, text in point.items()), f"sweep.name='{self.name}'"]
        composed = compose_job(words, self.config_name, tree=self.tree, chosen=self.chosen)
        check(composed.config, tree=self.tree)
        config = with_absolute_paths(to_plain(composed.config, resolve=True))
        del config["hparams_search"]
        config["sweep"] = {**(config.get("sweep") or {}), "name": self.name, "point": self.values(point)}
        return config, composed.launcher

    def values(self, point: Mapping[str, str]) -> dict[str, Any]:
        """What the written values of a point mean."""
        return {key: parse_override(f"{key}={text}").value() for key, text in point.items()}


def make_search_plan(words: Sequence[str], config_name: str, tree: ConfigTree) -> SearchPlan:
    """Reads a command line, composes every value that is sought once and checks that trials can be compared.

    Arguments:
        words: Overrides, `hparams_search=NAME` among them.
        config_name: The primary file.
        tree: Where the files are.

    Raises:
        RequestError: For anything that is wrong with it.
    """
    chosen: dict[tuple[str, ...], Any] = {}

    def compose(line: Sequence[str]) -> DictConfig:
        config = compose_job(line, config_name, tree=tree, chosen=chosen).config
        check(config, tree=tree)
        return config

    own = [word for word in words if not parse_override(word).is_sweep_override()]
    settings = read_settings(to_plain(compose(own), resolve=True).get("hparams_search"))
    fixed, sought = split_words(words, {key: str(text) for key, text in settings.params.items()})
    if not sought:
        hint = "give some, as in model.latent_dim=interval(2,32)"
        raise RequestError("there are no values to search over", where="hparams_search", hint=hint)
    first = next(points([*fixed, *sought], tree))

    def takes(word: str) -> bool:
        key = parse_override(word).get_key_element()
        try:
            compose([*(one for one in first if parse_override(one).get_key_element() != key), word])
        except RequestError:
            return False
        return True

    space = tuple(dimension(word, tree, takes) for word in sought)
    shown = [*fixed, *(f"{one.key}={_example(one)}" for one in space if one.kind != "choice")]
    shown += [one.word for one in space if one.kind == "choice"]
    configs = [to_plain(compose(line), resolve=True) for line in points(shown, tree)]
    _check_comparable(configs)
    monitor = _monitor(configs)
    better = metric_of(monitor).higher_is_better
    if better is None:
        raise RequestError(f"neither a high nor a low {monitor} is better", where="monitor")
    sweep = configs[0]["sweep"]
    name = str(sweep["name"] or _name(fixed, space))
    if Path(name).name != name or name.startswith("."):
        raise RequestError(f"{name!r} is not the name of a folder", where="sweep.name", hint="use letters and digits")
    named = compose_job([*own, f"sweep.name='{name}'"], config_name, tree=tree, chosen=chosen)
    allow = tuple(configs[0]["allow_targets"])
    check_object(named.launcher, "hydra.launcher", [ENGINES, *allow])
    which = ", ".join(one.key for one in space)
    return SearchPlan(
        name=name,
        folder=named.sweep_dir,
        question=sweep["question"] or f"Which {which} gives the best {monitor}?",
        settings=settings,
        sweep=SweepSettings(**{**sweep, "point": None}),
        launcher=named.launcher,
        allow=allow,
        fixed=tuple(fixed),
        space=space,
        monitor=monitor,
        maximise=better,
        config_name=config_name,
        tree=tree,
        chosen=chosen,
    )


def _example(one: Dimension) -> str:
    return str(int(one.low)) if one.kind == "int" else repr(float(one.low))


def _check_comparable(configs: Sequence[Mapping[str, Any]]) -> None:
    """Numbers of different observation spaces or data rank nothing."""
    for key, hint in (("observation", "name one observation=, or search each likelihood by itself"), ("data", "")):
        found = [config[key] for config in configs]
        kinds = {str(one.get("_target_") if key == "data" else one) for one in found}
        if len(kinds) > 1:
            raise RequestError("trials would be measured on different scales", where=key, hint=hint)


def _monitor(configs: Sequence[Mapping[str, Any]]) -> str:
    names: dict[str, None] = {}
    for config in configs:
        objective: Any = locate(config["objective"]["_target_"], "objective", config["allow_targets"])
        name = config["monitor"] or objective.monitor
        names[str(name)] = None
    if len(names) > 1:
        hint = f"choose one for all, as in monitor={next(iter(names))}"
        raise RequestError(f"trials would be judged by {' and '.join(names)}", where="monitor", hint=hint)
    return next(iter(names))


def _is_free(word: str) -> bool:
    return _FREE.match(parse_override(word).get_key_element().lstrip("+~")) is not None


def _name(fixed: Sequence[str], space: Sequence[Dimension]) -> str:
    """The same for the same search."""
    keys = "_".join(re.split(r"[./]", one.key)[-1] for one in space)
    content = [sorted(word for word in fixed if not _is_free(word)), sorted(one.word for one in space)]
    return f"search_{keys[:_LETTERS]}-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]}"
