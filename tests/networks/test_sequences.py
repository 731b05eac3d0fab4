"""Encoders of sequences: where a sequence ends, nothing beyond it counts; and what each of them is."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.networks import Encoder, GRUEncoder, LSTMEncoder, TransformerEncoder
from lvm_experiments.networks.recurrent_tokens import RecurrentTokens
from lvm_experiments.spec import DataSpec

TOKENS, SERIES = DataSpec("tokens", (7,), levels=9), DataSpec("real", (7, 3))
ENCODERS = {
    "gru": partial(GRUEncoder, hidden=6, embedding=5),
    "gru both ways": partial(GRUEncoder, hidden=6, embedding=5, bidirectional=True),
    "lstm": partial(LSTMEncoder, hidden=6, embedding=5),
    "lstm both ways": partial(LSTMEncoder, hidden=6, embedding=5, bidirectional=True),
    "transformer": partial(TransformerEncoder, width=8, layers=2, heads=2),
}
LENGTHS = torch.tensor([0, 1, 3, 6, 7])


def example(spec: DataSpec) -> Tensor:
    return torch.randint(9, (5, 7)).to(torch.get_default_dtype()) if spec is TOKENS else torch.randn(5, *spec.shape)


@pytest.mark.parametrize("spec", [TOKENS, SERIES], ids=lambda s: s.space)
@pytest.mark.parametrize("name", ENCODERS)
class TestEverySequence:
    def test_what_stands_beyond_its_end_changes_no_bit(self, name: str, spec: DataSpec) -> None:
        encoder, x = ENCODERS[name](spec), example(spec)
        beyond = (torch.arange(7) >= LENGTHS[:, None]).reshape(5, 7, *[1] * (x.ndim - 2))
        found = []
        for filler in (0.0, 5.0, 1e6, torch.nan):
            filled = torch.where(beyond, x.new_tensor(filler), x)
            found.append(encoder(filled, Batch(filled, lengths=LENGTHS)))
        assert torch.isfinite(found[0]).all()
        assert all(torch.equal(found[0], other) for other in found)

    @pytest.mark.usefixtures("float64")
    def test_its_features_are_those_it_would_have_alone(self, name: str, spec: DataSpec) -> None:
        encoder, x = ENCODERS[name](spec), example(spec)
        together = encoder(x, Batch(x, lengths=LENGTHS))
        for i, length in enumerate(LENGTHS.tolist()):
            if length:
                alone = x[i : i + 1, :length]
                short = ENCODERS[name](spec.replace(shape=(length, *spec.shape[1:])))
                short.load_state_dict(encoder.state_dict())
                assert torch.allclose(together[i], short(alone, Batch(alone))[0], atol=1e-12)

    def test_every_step_of_it_counts_and_their_order(self, name: str, spec: DataSpec) -> None:
        encoder, x = ENCODERS[name](spec), example(spec)
        h = encoder(x, Batch(x))
        for t in range(7):
            other = x.clone()
            other[:, t] = (other[:, t] + 1) % 9
            assert (encoder(other, Batch(other)) != h).any(1).all()
        turned = x.flip(1)
        assert not torch.allclose(encoder(turned, Batch(turned)), h, atol=1e-4)

    def test_what_was_not_observed_within_it_changes_no_bit_but_by_its_absence(self, name: str, spec: DataSpec) -> None:
        encoder, x = ENCODERS[name](spec), example(spec)
        mask = torch.ones_like(x, dtype=torch.bool)
        mask[:, 2] = False
        hidden = [torch.where(mask, x, x.new_tensor(filler)) for filler in (0.0, 4.0, torch.nan)]
        found = [encoder(h, Batch(h, mask=mask)) for h in hidden]
        assert all(torch.equal(found[0], other) for other in found)
        assert not torch.equal(found[0], encoder(hidden[0], Batch(hidden[0])))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kind", "cell"), [(GRUEncoder, nn.GRU), (LSTMEncoder, nn.LSTM)])
def test_both_ways_are_those_of_torch(kind: type[Encoder], cell: type[nn.GRU | nn.LSTM]) -> None:
    """Packed sequences are how torch itself reads backwards from an end of its own."""
    encoder: GRUEncoder | LSTMEncoder = kind(SERIES, hidden=6, embedding=5, bidirectional=True)  # type: ignore[call-arg, assignment]
    reference = cell(5, 6, batch_first=True, bidirectional=True)
    assert encoder.backwards is not None
    own = encoder.forwards.state_dict() | {f"{n}_reverse": p for n, p in encoder.backwards.state_dict().items()}
    reference.load_state_dict(own)
    x, lengths = example(SERIES)[1:], LENGTHS[1:]
    steps, _ = encoder.steps(x, Batch(x, lengths=lengths))
    packed = nn.utils.rnn.pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
    _, states = reference(packed)
    last = states[0] if cell is nn.LSTM else states
    assert torch.allclose(encoder(x, Batch(x, lengths=lengths)), torch.cat([last[0], last[1]], -1), atol=1e-12)


def test_the_positions_of_a_transformer_are_those_of_the_paper() -> None:
    positions = TransformerEncoder(TOKENS, width=8, layers=1, heads=2).positions
    t, i = 5, 2
    angle = torch.tensor(t / 10_000 ** (2 * i / 8))
    assert torch.allclose(positions[t, 2 * i : 2 * i + 2], torch.stack([angle.sin(), angle.cos()]))


@pytest.mark.parametrize("width", [6, 9])
def test_a_width_that_heads_do_not_divide_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"an even multiple of the 4 heads, not {width}"):
        TransformerEncoder(TOKENS, width=width, layers=1)


@pytest.mark.parametrize("spec", [DataSpec("real", (7,)), DataSpec("binary", (1, 8, 8)), DataSpec("mixed", (3,))])
def test_what_is_no_sequence_is_refused(spec: DataSpec) -> None:
    with pytest.raises(RequestError, match=r"takes tokens, or series of shape \(T, D\), and the data are"):
        GRUEncoder(spec, hidden=4, embedding=3)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_step_by_step_is_all_at_once(cell: str) -> None:
    network = RecurrentTokens(9, 2, cell, hidden=4, embedding=3)  # type: ignore[arg-type]
    context, previous = torch.randn(5, 2), torch.randint(9, (5, 6))
    state, found = network.state(context), []
    for t in range(6):
        h, state = network.advance(context, previous[:, t : t + 1], state)
        found.append(h)
    assert torch.allclose(network(context, previous), torch.cat(found, 1), atol=1e-12)
