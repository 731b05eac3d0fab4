"""Tokens in words again."""

from __future__ import annotations

__all__ = ["sentences"]

from torch import Tensor

from lvm_experiments.spec import DataSpec


def sentences(x: Tensor, spec: DataSpec) -> list[str]:
    """Each sequence as a line of text, up to its end; numbers where nobody knows the words.

    Arguments:
        x: Tokens, shape `(N, T)`.
        spec: What is known of the data.

    Example:
        >>> spec = DataSpec("tokens", (3,), levels=4, words=("<eos>", "a", "rose", "is"))
        >>> sentences(torch.tensor([[1, 2, 0], [1, 2, 3]]), spec)
        ['a rose', 'a rose is']
    """
    found = []
    for row in x.long().tolist():
        tokens = row[: row.index(spec.end)] if spec.end in row else row
        found.append(" ".join(spec.words[token] if spec.words else str(token) for token in tokens))
    return found
