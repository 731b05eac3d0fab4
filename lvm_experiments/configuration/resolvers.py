"""What `${name:}` can stand for in the configuration files, besides what Hydra brings."""

from __future__ import annotations

__all__ = ["register_resolvers"]

from secrets import token_hex

from omegaconf import OmegaConf


def register_resolvers(run_id: str | None = None) -> None:
    """Makes `${run_id:}` known: eight hexadecimal digits, the same everywhere in one composition.

    Two runs started in the same second then have folders of their own.

    Arguments:
        run_id: Use this one; None for a new random one in each composition.
    """
    OmegaConf.register_new_resolver("run_id", lambda: run_id or token_hex(4), use_cache=True, replace=True)
