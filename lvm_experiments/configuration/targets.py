"""Which classes and functions a configuration may name; others are refused before any import."""

from __future__ import annotations

__all__ = ["EXTERNALS", "PARTS", "locate", "refuse_foreign", "refuse_unless_allowed"]

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import isclass, isfunction
from typing import Any

from lvm_experiments.configuration.source import find, is_there, names_in
from lvm_experiments.errors import RequestError, nearest

PARTS = tuple(
    f"lvm_experiments.{name}"
    for name in (
        "callbacks",
        "data",
        "evaluation",
        "likelihoods",
        "loggers",
        "models",
        "networks",
        "objectives",
        "observations",
        "optimizers",
        "posteriors",
        "priors",
        "schedulers",
    )
)
_EXTERNAL = {
    "pytorch_lightning": ("Trainer",),
    "pytorch_lightning.callbacks": (
        "EarlyStopping",
        "LearningRateMonitor",
        "ModelSummary",
        "RichModelSummary",
    ),
    "pytorch_lightning.loggers": ("CSVLogger", "MLFlowLogger", "TensorBoardLogger", "WandbLogger"),
    "pytorch_lightning.profilers": (
        "AdvancedProfiler",
        "PassThroughProfiler",
        "PyTorchProfiler",
        "SimpleProfiler",
    ),
    "pytorch_lightning.strategies": ("DDPStrategy",),
    "torch.optim": ("SGD", "Adam", "AdamW", "Adamax", "RMSprop"),
    "torch.optim.lr_scheduler": ("CosineAnnealingLR", "MultiStepLR", "ReduceLROnPlateau", "StepLR"),
}
EXTERNALS = tuple(f"{module}.{name}" for module, names in _EXTERNAL.items() for name in names)
_DOTTED = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+", re.ASCII)


def refuse_unless_allowed(target: object, where: str, allow: Sequence[str] = ()) -> str:
    """The target itself, if its spelling is one that may be imported.

    Arguments:
        target: The value of a `_target_` key.
        where: The dotted path it was found at.
        allow: Modules of the user's own.

    Raises:
        RequestError: Where it names anything else; nothing has been imported then.

    Example:
        >>> refuse_unless_allowed("torch.optim.Adam", "optimizer")
        'torch.optim.Adam'
        >>> refuse_unless_allowed("os.system", "model")
        Traceback (most recent call last):
        lvm_experiments.errors.RequestError: model: 'os.system' may not be named; ...
    """
    if isinstance(target, str) and _DOTTED.fullmatch(target):
        module = target.rpartition(".")[0]
        if target in EXTERNALS:
            return target
        if _within(module, allow):
            _refuse_unless_there(target, where)
            return target
        if _within(module, PARTS):
            if find(target) is None:
                meant = nearest(target.rpartition(".")[2], names_in(module))
                hint = f"did you mean {module}.{meant}?" if meant else f"{module} has {', '.join(names_in(module))}"
                raise RequestError(f"there is no {target}", where=where, hint=hint)
            return target
    raise RequestError(f"{target!r} may not be named", where=where, hint="allow_targets lists modules of your own")


def _refuse_unless_there(target: str, where: str) -> None:
    """Refuses a module of the user's own that Python would not find, or a name that it has under another spelling."""
    module, _, name = target.rpartition(".")
    if not is_there(module.partition(".")[0]):
        hint = "Python looks in the folder where you are and in those of PYTHONPATH"
        raise RequestError(f"there is no module {module.partition('.')[0]}", where=where, hint=hint)
    # What is made otherwise than by a statement is found out by importing it.
    if find(target) is None and (meant := nearest(name, names_in(module))):
        raise RequestError(f"there is no {target}", where=where, hint=f"did you mean {module}.{meant}?")


def refuse_foreign(node: Any, where: str = "", allow: Sequence[str] = ()) -> None:
    """Refuses a configuration that names anything else anywhere, also where nobody is about to build it.

    Raises:
        RequestError: Names the first one; nothing has been imported then.

    Example:
        >>> refuse_foreign({"model": {"prior": {"_target_": "os.system"}}})
        Traceback (most recent call last):
        lvm_experiments.errors.RequestError: model.prior: 'os.system' may not be named; ...
    """
    if isinstance(node, Mapping):
        if "_target_" in node:
            refuse_unless_allowed(node["_target_"], where, allow)
        for key, value in node.items():
            refuse_foreign(value, f"{where}.{key}" if where else str(key), allow)
    elif isinstance(node, list | tuple):
        for number, value in enumerate(node):
            refuse_foreign(value, f"{where}[{number}]", allow)


def locate(target: object, where: str, allow: Sequence[str] = ()) -> Callable[..., Any]:
    """Imports what a target names, after `refuse_unless_allowed`, if defined where it may be.

    A name that a module merely imported (`lvm_experiments.data.digits.os`) is not its own.

    Raises:
        RequestError: Where the name is refused, missing, or not a class or function defined in an
            allowed module.
    """
    name = refuse_unless_allowed(target, where, allow)
    module, _, last = name.rpartition(".")
    try:
        found = getattr(import_module(module), last)
    except (ImportError, AttributeError) as error:
        raise RequestError(f"{name} cannot be imported: {error}", where=where) from error
    if name in EXTERNALS:
        return found
    if not (isclass(found) or isfunction(found)) or not _within(found.__module__, (*PARTS, *allow)):
        raise RequestError(
            f"{name!r} may not be named",
            where=where,
            hint="it is not defined in an allowed module",
        )
    return found


def _within(module: str, allowed: Sequence[str]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in allowed)
