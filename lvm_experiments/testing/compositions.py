"""Compositions to try: every pair of options, presets with parts swapped, and whatever chance puts together."""

from __future__ import annotations

__all__ = ["Composition", "options", "pairs", "presets", "random_compositions", "swapped_presets"]

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any

import yaml

from lvm_experiments.options import conf_dir

PARTS = ("encoder", "posterior", "prior", "decoder", "likelihood")
_CHOSEN = (*PARTS, "objective")
_PAIRED = (
    ("likelihood", "prior"),
    ("likelihood", "posterior"),
    ("prior", "posterior"),
    ("objective", "posterior"),
    ("objective", "likelihood"),
    ("encoder", "likelihood"),
    ("decoder", "likelihood"),
)
# What a space's data are; the others are images.
_DATA = {"counts": "counts", "mixed": "mixed", "tokens": "tokens"}


@dataclass(frozen=True)
class Composition:
    """Words of a command line, and what to try them on.

    Arguments:
        words: The words.
        data: A kind of `small_data`.
        condition: The length of the data's condition.
        family: Which set it is of, `likelihood x prior`, say.
    """

    words: tuple[str, ...]
    data: str
    condition: int = 0
    family: str = ""


def pairs() -> Iterator[Composition]:
    """Every pair of the options of two groups; what is left open is chosen to fit them."""
    for one, other in _PAIRED:
        for x, y in product(_options(one), _options(other)):
            yield _composed({one: x, other: y}, f"{one} x {other}")
    for one in _CHOSEN:
        for x, preset in product(_options(one), _names("model")):
            yield _with_data(preset, {one: x}, f"{one} x model")


def options() -> Iterator[Composition]:
    """Every option of every part by itself; what is left open is chosen to fit it."""
    for group in PARTS:
        for name in _options(group):
            yield _composed({group: name}, group)


def presets() -> Iterator[Composition]:
    """Every preset as it is."""
    for name in _names("model"):
        yield _with_data(name, {}, "preset")


def random_compositions(n: int, seed: int) -> Iterator[Composition]:
    """n compositions whose every part, objective and data are drawn.

    Of every second, parts are drawn among those whose stated facts agree: left to chance alone, nine of ten are
    refused. What else may not go together is drawn all the same.
    """
    draw = random.Random(seed)
    for number in range(n):
        fitting = number % 2 == 1
        parts = {group: draw.choice(_options(group)) for group in _CHOSEN}
        models = [name for name in _names("model") if not fitting or "none" not in _defaults(name).values()]
        preset = draw.choice(models)
        data = draw.choice(("images", "colour", "real", "unit", "counts", "mixed", "tokens"))
        condition = draw.choice((0, 0, 2))
        if fitting or draw.random() < 0.7:
            data = _data_of(parts["likelihood"])
        if fitting:
            parts |= {group: draw.choice(names) for group, names in _agreeing(parts, data, condition).items()}
        yield Composition(_words(preset, parts), data, condition, "random")


def swapped_presets(n: int, seed: int) -> Iterator[Composition]:
    """n presets with one part or two swapped."""
    draw = random.Random(seed)
    for _ in range(n):
        swapped = draw.sample(PARTS, draw.choice((1, 2)))
        yield _with_data(
            draw.choice(_names("model")), {part: draw.choice(_options(part)) for part in swapped}, "swapped"
        )


def _composed(parts: dict[str, str], family: str) -> Composition:
    """The default model with these parts, and those that they need."""
    wanted = dict(parts)
    for given, missing in (("prior", "posterior"), ("posterior", "prior")):
        if given in wanted and missing not in wanted:
            wanted[missing] = _of_domain(missing, _class(given, wanted[given]).domain)
    if "encoder" in wanted and _class("encoder", wanted["encoder"]).sequential:
        wanted.setdefault("likelihood", _of_tokens())
    conditional = "prior" in wanted and _class("prior", wanted["prior"]).conditional
    data = _data_of(wanted.get("likelihood", "bernoulli"))
    if data == "tokens":
        wanted.setdefault("encoder", "gru")
    return Composition(_words("bernoulli_vae", wanted), data, 2 if conditional else 0, family)


def _agreeing(parts: dict[str, str], data: str, condition: int) -> dict[str, list[str]]:
    """Priors where the posterior's latents live, and encoders of such data."""
    domain, tokens = _class("posterior", parts["posterior"]).domain, data == "tokens"
    priors = {name: _class("prior", name) for name in _options("prior")}
    encoders = {name: _class("encoder", name) for name in _options("encoder")}
    return {
        "prior": [n for n, kind in priors.items() if kind.domain in (None, domain) and kind.conditional <= condition],
        "encoder": [n for n, kind in encoders.items() if kind.sequential == tokens],
    }


def _with_data(preset: str, parts: dict[str, str], family: str) -> Composition:
    chosen = _defaults(preset) | parts
    conditional = chosen["prior"] != "none" and _class("prior", chosen["prior"]).conditional
    return Composition(_words(preset, parts), _data_of(chosen["likelihood"]), 2 if conditional else 0, family)


def _words(preset: str, parts: dict[str, str]) -> tuple[str, ...]:
    return f"model={preset}", *(f"model/{k}={v}" if k in PARTS else f"{k}={v}" for k, v in parts.items())


def _of_domain(group: str, domain: str | None) -> str:
    """The plainest option of a group over a domain; any domain goes with normals."""
    plain = {"posterior": "diagonal_normal", "prior": "standard_normal"}[group]
    if domain in (None, "real"):
        return plain
    fitting = [name for name in _options(group) if _class(group, name).domain == domain]
    # A differentiable draw that is a value of its density goes with every objective.
    exact = [name for name in fitting if getattr(_class(group, name), "gradient", "") == "straight_through"]
    return (exact or fitting)[0]


def _of_tokens() -> str:
    return next(name for name in _options("likelihood") if _class("likelihood", name).space == "tokens")


def _data_of(likelihood: str) -> str:
    return "images" if likelihood == "none" else _DATA.get(_class("likelihood", likelihood).space, "images")


@cache
def _names(folder: str) -> list[str]:
    return sorted(path.stem for path in (conf_dir() / folder).glob("*.yaml"))


def _options(group: str) -> list[str]:
    names = _names(f"model/{group}" if group in PARTS else group)
    return [name for name in names if name != "none"]


@cache
def _class(group: str, name: str) -> Any:
    plain = yaml.safe_load((conf_dir() / "model" / group / f"{name}.yaml").read_text(encoding="utf-8"))
    module, _, kind = plain["_target_"].rpartition(".")
    return getattr(import_module(module), kind)


@cache
def _defaults(preset: str) -> dict[str, str]:
    plain = yaml.safe_load((conf_dir() / "model" / f"{preset}.yaml").read_text(encoding="utf-8"))
    return {k: v for entry in plain["defaults"] if isinstance(entry, dict) for k, v in entry.items() if k in PARTS}
