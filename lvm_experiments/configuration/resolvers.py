"""What `${name:}` can stand for in the configuration files, besides what Hydra brings."""

from __future__ import annotations

__all__ = ["new_run_id", "register_resolvers"]

from datetime import datetime
from secrets import token_hex

from omegaconf import OmegaConf


def register_resolvers(run_id: str | None = None) -> None:
    """Makes `${run_id:}` known: the name of a run's folder, the same everywhere in one composition.

    Arguments:
        run_id: Use this one; None for a new one in each composition.
    """
    OmegaConf.register_new_resolver("run_id", lambda: run_id or new_run_id(), use_cache=True, replace=True)


def new_run_id() -> str:
    """The time, and some digits: two runs started in the same second have folders of their own."""
    return f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{token_hex(4)}"
