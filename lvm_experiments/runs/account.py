"""Whether there is a W&B account to log to."""

from __future__ import annotations

__all__ = ["has_wandb_key", "wandb_mode"]

import netrc
import os
from pathlib import Path
from urllib.parse import urlsplit


def wandb_mode(*, offline: bool | None) -> str:
    """`online`, `offline` or `disabled`.

    Arguments:
        offline: What was asked for; None leaves it to `WANDB_MODE`, and to whether an API key is configured.
    """
    asked = os.environ.get("WANDB_MODE", "")
    if asked == "disabled":
        return asked
    if offline is None:
        offline = asked in ("offline", "dryrun") or not has_wandb_key()
    return "offline" if offline else "online"


def has_wandb_key() -> bool:
    """Whether there is an API key for the server, in the environment or in a netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai").hostname
    given = os.environ.get("NETRC")
    for path in [Path(given)] if given else [Path.home() / ".netrc", Path.home() / "_netrc"]:
        try:
            if path.is_file() and netrc.netrc(path).authenticators(host or ""):
                return True
        except (OSError, netrc.NetrcParseError):
            continue  # what cannot be read holds no key that wandb could use either
    return False
