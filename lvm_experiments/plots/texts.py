"""What a model of sentences has to say, as text."""

from __future__ import annotations

__all__ = ["texts"]

from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.rest import at_rest
from lvm_experiments.sentences import sentences

_LINES = 32


def texts(context: Illustration) -> dict[str, str]:
    """Sentences of the model and reconstructions of data, for sequences of tokens; nothing for other data.

    Arguments:
        context: What to draw from.

    Returns:
        `samples`, draws from the prior, and `reconstructions`, pairs of a sentence of the data and the most probable
        one given the z that stands for it.
    """
    if context.source.space != "tokens":
        return {}
    seen = context.few(_LINES)
    assert seen.x is not None
    with at_rest(context.model, context.seed):
        guess = context.model.reconstruct(seen)
    pairs = zip(*(sentences(context.original(x), context.source) for x in (seen.x, guess)), strict=True)
    found = {
        "samples": sentences(context.samples(_LINES), context.source),
        "reconstructions": [f"data  {data}\nmodel {model}\n" for data, model in pairs],
    }
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}
