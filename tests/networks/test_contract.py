"""Every encoder and decoder of the package keeps the contract that users' own are held to."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from lvm_experiments import networks
from lvm_experiments.errors import RequestError
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_decoder, check_encoder
from tests.support.members import buildable, members, undocumented

ENCODERS = members("lvm_experiments.networks", Encoder)
DECODERS = members("lvm_experiments.networks", Decoder)
SPECS = [
    DataSpec("binary", (1, 8, 8), levels=2),
    DataSpec("bytes", (3, 9, 13), levels=256),
    DataSpec("bytes", (1, 8, 8), levels=17),
    DataSpec("unit", (1, 28, 28)),
    DataSpec("real", (2, 10, 8)),
]
SEQUENCES = [DataSpec("tokens", (6,), levels=9), DataSpec("real", (5, 3))]
CASES = [(kind, spec) for kind in ENCODERS for spec in (SEQUENCES if kind.sequential else SPECS)]


@pytest.mark.parametrize(("kind", "spec"), CASES, ids=lambda c: getattr(c, "__name__", None) or f"{c.space}-{c.shape}")
def test_encoders(kind: type[Encoder], spec: DataSpec) -> None:
    check_encoder(buildable(kind, given=1), spec)


@pytest.mark.parametrize("kind", ENCODERS, ids=lambda k: k.__name__)
def test_what_an_encoder_cannot_take_is_refused_with_those_that_can(kind: type[Encoder]) -> None:
    spec = SPECS[0] if kind.sequential else SEQUENCES[0]
    with pytest.raises(RequestError, match=r"^model\.encoder: .* takes .*; choose model/encoder=") as refusal:
        buildable(kind, given=1)(spec)
    named = refusal.value.hint.rpartition("=")[2].split("|")
    assert {"gru", "lstm", "transformer"} == set(named) if not kind.sequential else {"mlp", "conv"} <= set(named)


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (2, 3, 9, 13), (1, 1, 28, 28)], ids=str)
@pytest.mark.parametrize("kind", DECODERS, ids=lambda k: k.__name__)
def test_decoders(kind: type[Decoder], shape: tuple[int, ...]) -> None:
    check_decoder(buildable(kind, given=2), shape)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", [*ENCODERS, *DECODERS], ids=lambda k: k.__name__)
def test_networks_work_in_double_precision(kind: type[nn.Module]) -> None:
    if issubclass(kind, Encoder):
        check_encoder(buildable(kind, given=1), SEQUENCES[0] if kind.sequential else SPECS[1])
    else:
        check_decoder(buildable(kind, given=2), (1, 1, 8, 8))


@pytest.mark.parametrize("activation", sorted(networks.base._ACTIVATIONS))
def test_every_activation_is_one_in_every_network(activation: str) -> None:
    """And is used: another one gives other features."""
    for kind in ENCODERS:
        if "activation" not in inspect.signature(kind).parameters:
            continue
        torch.manual_seed(0)
        part = buildable(kind, given=1)(SPECS[0], activation=activation)
        layer = networks.base.activation_layer(activation)
        assert any(type(m) is type(layer) for m in part.modules())


def test_the_catalogue_lists_what_is_there() -> None:
    names = {kind.__name__ for kind in [*ENCODERS, *DECODERS]}
    assert names | {"Encoder", "Decoder"} >= set(networks.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented([*ENCODERS, *DECODERS]) == []
