"""The contract of observation maps."""

from __future__ import annotations

__all__ = ["check_observation_map"]

import json
from collections.abc import Callable

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import example_of, in_support, require, seeded

_B = 6


def check_observation_map(observation: Callable[[DataSpec], ObservationMap], source: DataSpec) -> None:
    """Values in the space it states, the way back, the log-determinant, noise that belongs to examples.

    Arguments:
        observation: What is called with `source` to build it: a class, or a partial of one.
        source: What is known of the data, in their own values.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from lvm_experiments.observations import ToUnit
        >>> check_observation_map(ToUnit, DataSpec("bytes", (1, 8, 8), levels=17))
    """
    with seeded():
        part = observation(source)
        require(isinstance(part, ObservationMap), "an observation map is an ObservationMap")
        require(part.source is source, "source is the description it was built with")
        require(part.spec.shape == source.shape, "the shape of an example stays")
        require(bool(part.description), "description tells measured spaces apart")
        plain = json.loads(json.dumps(part.spec.to_json()))
        require(DataSpec.from_json(plain) == part.spec, "spec can be written to a file and read back")
        x = example_of(source, _B)
        raw = x.to(torch.uint8) if 2 < source.levels <= 256 else x
        batch = Batch(raw, index=torch.arange(_B) + 100)
        seen = observe(part, batch, seed=0)
        _is_in_space(part, _values(seen))
        _belongs_to_examples(part, batch, _values(seen))
        back = part.inverse(_values(seen))
        require(back.shape == raw.shape, "inverse gives values of x's own shape")
        require(in_support(source, back), "inverse gives values of the data's own space")
        # What a model gives back are draws and means.
        between = 0.63 * _values(seen) + 0.37 * _values(seen).mean()
        require(in_support(source, part.inverse(between)), "inverse of a mean is a value of the data's own space")
        mean = part.inverse(between, rounded=False)
        near = bool(((mean - part.inverse(between)).abs() <= 0.5 + 1e-4).all())
        require(near or not source.levels, "inverse without rounding lies within half a level")
        log_det = part.log_det()
        if not part.lossless:
            require(log_det is None, "a map that loses information has no log-determinant")
            return
        require(isinstance(log_det, float), "a map that loses nothing knows its log-determinant")
        same = torch.equal(back, x) if source.levels else torch.allclose(back, x, atol=1e-5)
        require(same, "inverse undoes a map that loses nothing")


def _values(batch: Batch) -> Tensor:
    require(batch.x is not None, "observe keeps x")
    assert batch.x is not None
    return batch.x


def _is_in_space(part: ObservationMap, y: Tensor) -> None:
    require(y.shape[1:] == part.spec.shape, "it keeps the shape of an example")
    require(y.dtype == torch.get_default_dtype(), "it gives numbers of torch's default type")
    require(in_support(part.spec, y), f"it gives {part.spec.space} values")


def _belongs_to_examples(part: ObservationMap, batch: Batch, whole: Tensor) -> None:
    assert batch.x is not None
    assert batch.index is not None
    chosen = torch.tensor([4, 1])
    some = Batch(batch.x[chosen], index=batch.index[chosen])
    require(
        torch.equal(_values(observe(part, some, seed=0)), whole[chosen]),
        "its noise depends on the example, not on the batch it comes in",
    )
