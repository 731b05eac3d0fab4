"""Experiments with latent variable models: composed by configuration, measured so that numbers can be trusted."""

from __future__ import annotations

__all__ = ["__version__", "load"]

from typing import TYPE_CHECKING, Any

from lvm_experiments import _torchvision

if TYPE_CHECKING:
    from lvm_experiments.runs.load import load

__version__ = "0.1.0"

_torchvision.declare_missing_operators()


def __getattr__(name: str) -> Any:
    # Loading a model needs torch, importing the package must not.
    if name == "load":
        from lvm_experiments.runs.load import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
