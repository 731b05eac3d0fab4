"""What can go wrong, in the words of the person who has to put it right."""

from __future__ import annotations

__all__ = ["Interrupted", "RequestError", "RunError", "nearest"]

from collections.abc import Iterable
from difflib import get_close_matches


class RequestError(Exception):
    """A wrong request: one line that says what, where and what to do next. Exit code 2.

    Arguments:
        what: What is wrong.
        where: The configuration key or file it was found in.
        hint: What to do next.

    Example:
        >>> str(RequestError("no such key", where="model.latnt_dim", hint="did you mean latent_dim?"))
        'model.latnt_dim: no such key; did you mean latent_dim?'
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(" ".join(f"{where + ': ' if where else ''}{what}{'; ' + hint if hint else ''}".split()))

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.what, self.where, self.hint)


class RunError(RequestError):
    """A request that was right and a run that failed. Exit code 1."""

    exit_code = 1


class Interrupted(Exception):  # noqa: N818 - an event, not an error
    """The run was told to stop by a signal and has saved what it had.

    Arguments:
        signal: The signal's number.
    """

    def __init__(self, signal: int) -> None:
        self.signal = signal
        self.exit_code = 128 + signal
        super().__init__(f"interrupted by signal {signal}")


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name a person most likely meant, or None where nothing is near.

    Example:
        >>> nearest("bernouli", ["bernoulli", "gaussian"])
        'bernoulli'
    """
    found = get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return found[0] if found else None


def _restore(kind: type[RequestError], what: str, where: str, hint: str) -> RequestError:
    return kind(what, where=where, hint=hint)
