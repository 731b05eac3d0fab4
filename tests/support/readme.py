"""The README's table of parts, made from the configuration files: `python -m tests.support.readme` writes it anew."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from lvm_experiments.options import conf_dir

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- parts: python -m tests.support.readme -->\n", "<!-- end of parts -->\n"
# A group, what it chooses, and the fact of a class that its options are listed by.
GROUPS = (
    ("model", "a named composition, by its latent structure", "__name__"),
    ("model/likelihood", "p(x\\|z), by the values it is a distribution over", "space"),
    ("model/prior", "p(z), by where z lives", "domain"),
    ("model/posterior", "q(z\\|x), by where z lives", "domain"),
    ("model/encoder", "a network of x", ""),
    ("model/decoder", "a network of z", ""),
    ("objective", "what training minimises", ""),
    ("objective/schedule", "of an objective's weight", ""),
    ("observation", "the map from data to the likelihood's space, chosen by the likelihood unless given", ""),
    ("data", "a data set", ""),
    ("experiment", "data, model and recipe together", ""),
    ("optimizer", "what steps along the gradient", ""),
    ("scheduler", "of the learning rate", ""),
)


def options_of(group: str) -> list[str]:
    """The names that a group can be set to, without `none`."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml") if path.stem != "none")


def table() -> str:
    """The rows of the parts of a model, in Markdown."""
    lines = ["| word | what it chooses | options |", "| --- | --- | --- |"]
    for group, what, fact in GROUPS:
        listed: dict[str, list[str]] = {}
        for name in options_of(group):
            listed.setdefault(_fact(group, name, fact), []).append(name)
        parts = [f"*{kind}* {', '.join(names)}" if kind else ", ".join(names) for kind, names in listed.items()]
        lines.append(f"| `{group}=` | {what} | {'; '.join(parts)} |")
    return "".join(f"{line}\n" for line in lines)


def with_table(text: str) -> str:
    """A README with the table as it has to be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def _fact(group: str, name: str, fact: str) -> str:
    if not fact:
        return ""
    target = yaml.safe_load((conf_dir() / group / f"{name}.yaml").read_text(encoding="utf-8"))["_target_"]
    module, _, last = target.rpartition(".")
    kind: Any = getattr(import_module(module), last)
    return str(getattr(kind, fact) or "anywhere").replace("_", " ")


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
