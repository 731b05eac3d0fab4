"""Builds the objects a configuration describes: the one place where a string becomes a class."""

from __future__ import annotations

__all__ = ["Part", "instantiate"]

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from lvm_experiments.configuration.targets import locate, refuse_unless_allowed
from lvm_experiments.errors import Interrupted, RequestError, RunError

# Of a program or a machine, to be seen with their traceback; the rest objects to what was asked for.
_FAULTS = (ArithmeticError, AssertionError, Interrupted, MemoryError, RuntimeError)
_SHOWN = 8  # keys named in a message
_SPECIAL = {"_target_", "_partial_", "_convert_", "_recursive_"}


class Part(functools.partial):
    """A constructor with some of its arguments, that knows which part of a configuration it is.

    What it raises when it is called at last says so.
    """

    where: str

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except RequestError as error:
            _place(error, self.where)
            raise
        except _FAULTS:
            raise
        except Exception as error:
            raise _explained(error, self.func, self.keywords, self.where) from error


def instantiate(node: Any, where: str = "", allow: Sequence[str] = ()) -> Any:
    """Builds what a node describes, innermost first; plain values and containers stay as they are.

    `_target_` names a class or function of this package, a listed external, or one of a module in
    `allow`; `_partial_: true` gives a `Part`, to be called with what is still missing;
    `_recursive_: false` leaves nested nodes as plain containers. All targets of the node are
    compared with the lists before the first one is imported, and in plain containers
    interpolations are refused, not resolved: a file of a stranger's can make nothing else run.

    Arguments:
        node: A composed configuration or plain containers, as `yaml.safe_load` gives them.
        where: The dotted path of the node, for messages.
        allow: Modules of the user's own.

    Raises:
        RequestError: Where a target is refused or a constructor objects; it says where, what, and
            which keys were given.

    Example:
        >>> node = {"_target_": "lvm_experiments.data.Digits", "_partial_": True}
        >>> instantiate(node, "data").func.__name__
        'Digits'
    """
    if isinstance(node, DictConfig | ListConfig):
        node = OmegaConf.to_container(node, resolve=True)
    _locate_all(node, where, allow, execute=False)
    return _build(node, where, _locate_all(node, where, allow, execute=True))


def _locate_all(node: Any, where: str, allow: Sequence[str], *, execute: bool) -> dict[str, Any]:
    """Every target below a node by name: first only compared with the lists, then imported."""
    found: dict[str, Any] = {}
    match node:
        case str() if "${" in node:
            raise RequestError(f"{node!r} is not resolved", where=where, hint="write the value itself")
        case "???":
            raise RequestError("a value is missing", where=where)
        case Mapping():
            for key, value in node.items():
                found |= _locate_all(value, f"{where}.{key}".lstrip("."), allow, execute=execute)
            if "_target_" in node:
                look = locate if execute else refuse_unless_allowed
                found[node["_target_"]] = look(node["_target_"], where, allow)
        case list() | tuple():
            for place, value in enumerate(node):
                found |= _locate_all(value, f"{where}[{place}]", allow, execute=execute)
    return found


def _build(node: Any, where: str, targets: Mapping[str, Any]) -> Any:
    if isinstance(node, list | tuple):
        return [_build(value, f"{where}[{place}]", targets) for place, value in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    if "_target_" not in node:
        return {key: _build(value, f"{where}.{key}".lstrip("."), targets) for key, value in node.items()}
    target = targets[node["_target_"]]
    given = {key: value for key, value in node.items() if key not in _SPECIAL}
    if node.get("_recursive_", True):
        given = {key: _build(value, f"{where}.{key}".lstrip("."), targets) for key, value in given.items()}
    if node.get("_partial_", False):
        part = Part(target, **given)
        part.where = where
        return part
    try:
        return target(**given)
    except RequestError as error:
        _place(error, where)
        raise
    except _FAULTS:
        raise
    except Exception as error:
        raise _explained(error, target, given, where) from error


def _place(error: RequestError, where: str) -> None:
    """Gives an error that does not say where it happened the path of the part it came from."""
    if not error.where and not isinstance(error, RunError):
        error.__init__(error.what, where=where, hint=error.hint)  # type: ignore[misc]


def _explained(error: Exception, target: Any, given: Mapping[str, Any], where: str) -> RequestError:
    text = str(error) or type(error).__name__
    cause = f"{type(error).__name__}: {text}" if isinstance(error, LookupError) else text
    name = getattr(target, "__name__", str(target))
    keys = ", ".join(list(given)[:_SHOWN])
    rest = f" and {len(given) - _SHOWN} more" if len(given) > _SHOWN else ""
    built = f"{name} from {keys}{rest}" if given else name
    return RequestError(cause, where=where, hint=f"while building {built}")
