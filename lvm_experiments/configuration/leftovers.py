"""Arguments that an option brings for its own class, where the command line names another."""

from __future__ import annotations

__all__ = ["leftovers"]

from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from lvm_experiments.configuration.signature import signature


def leftovers(config: DictConfig, overrides: Sequence[Override]) -> list[str]:
    """Words that take away what the class of a `..._target_=a.Class` word does not take, and no word has set.

    So a class of one's own stands in for any option's, whatever that option's class is made of.

    Arguments:
        config: With the overrides in it.
        overrides: The words of the command line.

    Example:
        >>> from lvm_experiments.configuration import compose
        >>> compose(["model=gaussian_vae", "model.prior._target_=lvm_experiments.priors.LaplacePrior"]).model.prior
        {'_target_': 'lvm_experiments.priors.LaplacePrior', '_partial_': True}
    """
    given = [f"{override.key_or_group.replace('/', '.')}." for override in overrides]
    words = []
    for override in overrides:
        where, _, last = override.key_or_group.rpartition(".")
        node = OmegaConf.select(config, where) if where and last == "_target_" else None
        if not isinstance(node, DictConfig):
            continue
        known = signature(str(override.value()))
        if known is None or known.open:
            continue
        for key in map(str, node):
            path = f"{where}.{key}"
            if key.startswith("_") or key in known.parameters or any(k.startswith(f"{path}.") for k in given):
                continue
            if OmegaConf.is_missing(node, key) or node[key] is not None:  # Hydra takes no null away
                words.append(f"~{path}")
    return words
