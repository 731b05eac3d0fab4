"""Sequences of tokens, against all that there can be."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import scipy.stats
import torch
from torch import Tensor, nn

from lvm_experiments.distributions import TokenSequence
from lvm_experiments.distributions import token_sequence as module
from lvm_experiments.networks.recurrent_tokens import RecurrentTokens
from lvm_experiments.noise import keyed_noise

V, T = 3, 4
ENDS = [None, 0]
CELLS = ["gru", "lstm"]
pytestmark = pytest.mark.usefixtures("float64")


def parts(cell: str = "gru") -> tuple[RecurrentTokens, nn.Linear]:
    """With large weights, so that steps hang on those before."""
    network, output = RecurrentTokens(V, 2, cell, hidden=5, embedding=3), nn.Linear(5, V)  # type: ignore[arg-type]
    for p in [*network.parameters(), *output.parameters()]:
        p.data.mul_(3)
    return network, output


def everything(end: int | None) -> Tensor:
    """All sequences there are, those with an end repeating it."""
    x = torch.tensor(list(product(range(V), repeat=T)), dtype=torch.float64)
    if end is None:
        return x
    return torch.stack([row for row in x if all(b == end for a, b in pairwise(row) if a == end)])


def over(x: Tensor, end: int | None, cell: str = "gru") -> TokenSequence:
    return TokenSequence(torch.randn(1, 1, 2).expand(1, len(x), 2), *parts(cell), steps=T, end=end)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("end", "number"), [(None, 81), (0, 31)])
def test_all_sequences_have_mass_1(end: int | None, number: int, cell: str) -> None:
    x = everything(end)
    assert len(x) == number
    assert over(x, end, cell).log_prob(x).exp().sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("end", ENDS)
def test_teacher_forcing_is_going_step_by_step(end: int | None, cell: str) -> None:
    x = everything(end)
    p = over(x, end, cell)
    context, total = p.context[0], torch.zeros(len(x))
    state, previous = p.network.state(context), torch.full((len(x), 1), p.network.start)
    over_ = torch.zeros(len(x), dtype=torch.bool)
    for t in range(T):
        h, state = p.network.advance(context, previous, state)
        step = torch.log_softmax(p.output(h[:, 0]), -1).gather(1, x[:, t : t + 1].long())[:, 0]
        total = total + torch.where(over_, 0.0, step)
        previous = x[:, t : t + 1].long()
        over_ = over_ | (previous[:, 0] == end)
    assert torch.allclose(p.log_prob(x)[0], total, atol=1e-12)


@pytest.mark.parametrize("end", ENDS)
def test_draws_have_the_frequencies_of_the_density(end: int | None) -> None:
    x, n = everything(end), 10_000
    p = over(x, end)
    expected = n * p.log_prob(x)[0].exp().detach()
    draws = TokenSequence(p.context[:, :1], p.network, p.output, T, end).sample((n,)).reshape(n, T)
    assert draws.dtype == torch.float64
    place = {tuple(row): i for i, row in enumerate(x.tolist())}
    found = torch.bincount(torch.tensor([place[tuple(row)] for row in draws.tolist()]), minlength=len(x))
    rare = expected < 5
    both = [torch.cat([v[~rare], v[rare].sum()[None]]) for v in (found.double(), expected)]
    assert scipy.stats.chisquare(*(v.numpy() for v in both)).pvalue > 1e-4


@pytest.mark.parametrize("end", ENDS)
def test_what_stands_beyond_the_length_changes_no_bit(end: int | None) -> None:
    x, lengths = torch.tensor([[1, 2, 1, 2], [2, 1, 0, 0], [2, 2, 2, 0], [1, 0, 0, 0]]), torch.tensor([1, 3, 4, 2])
    p, mask = over(x, end), torch.arange(T) < lengths[:, None]
    found, gradients = [], []
    for filler in (0.0, 1.0, 1e6, -3.0, torch.nan):
        log_p = p.log_prob(torch.where(mask, x.double(), filler), mask)
        found.append(log_p)
        gradients.append(torch.autograd.grad(log_p.sum(), p.output.weight)[0])
    assert all(torch.equal(found[0], other) for other in found)
    assert all(torch.equal(gradients[0], other) for other in gradients)
    with torch.no_grad():
        assert torch.allclose(p.log_prob(x, mask), found[0], atol=1e-12)


def test_a_sequence_that_is_cut_has_the_mass_of_all_that_go_on_from_it() -> None:
    x = everything(0)
    p = over(x, 0)
    begins = (x[:, 0] == 2) & (x[:, 1] == 1)
    mask = torch.tensor([True, True, False, False]).expand(len(x), T)
    assert torch.allclose(p.log_prob(x, mask)[0, begins].exp(), p.log_prob(x)[0, begins].exp().sum())


def test_what_follows_an_end_is_no_part_of_a_sequence() -> None:
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 2.0, 1.0]])
    p = over(x, 0)
    assert torch.equal(*p.log_prob(x)[0])
    mask = torch.tensor([True, True, False, False]).expand(2, T)
    assert torch.allclose(p.log_prob(x, mask), p.log_prob(x))
    for draw in p.sample((200,)).reshape(-1, T).tolist():
        assert 0 not in draw or set(draw[draw.index(0) :]) == {0}


@pytest.mark.parametrize("end", ENDS)
def test_what_stands_for_a_mean_takes_the_most_probable_token_at_each_step(end: int | None) -> None:
    p = TokenSequence(torch.randn(2, 3, 2), *parts(), steps=T, end=end)
    best = p.mean
    assert best.shape == (2, 3, T)
    for t in range(T):
        steps = []
        for v in range(V):
            other = best.clone()
            other[..., t] = v
            steps.append(p.cell_log_prob(other)[..., t])
        before = (best[..., :t] == (-1 if end is None else end)).any(-1)
        chosen = torch.where(before, 0, torch.stack(steps).argmax(0))
        assert torch.equal(best[..., t], chosen.double())
    with pytest.raises(NotImplementedError):
        _ = p.variance


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = everything(0)
    p = over(x, 0)
    with torch.no_grad():
        whole, best = p.log_prob(x), p.mean
        torch.manual_seed(1)
        draws = p.sample((3,))
        monkeypatch.setattr(module, "_CELLS", 300)
        assert torch.allclose(p.log_prob(x), whole, atol=1e-12)
        assert torch.equal(p.mean, best)
        torch.manual_seed(1)
        assert torch.equal(p.sample((3,)), draws)


def test_no_logits_of_all_steps_are_held_where_no_gradient_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CELLS", 30)
    x, sizes = everything(None), []
    p = over(x, None)
    p.output.register_forward_hook(lambda layer, given, logits: sizes.append(logits.numel()))
    with torch.no_grad():
        p.log_prob(x)
    assert max(sizes) <= 30
    assert sum(sizes) == 81 * T * V


def test_a_draw_belongs_to_its_example() -> None:
    p, index = TokenSequence(torch.randn(4, 5, 2), *parts(), steps=T, end=0), torch.arange(5)
    with keyed_noise(index, seed=3):
        whole = p.sample()
    few = TokenSequence(p.context[2:, 3:], p.network, p.output, T, 0)
    with keyed_noise(index[3:], seed=3, first=2):
        assert torch.equal(few.sample(), whole[2:, 3:])


def test_word_dropout_hides_words_that_come_before_and_no_others() -> None:
    x = everything(None)
    context, model = torch.zeros(1, len(x), 2), parts()
    hidden = TokenSequence(context, *model, steps=T, word_dropout=1.0).cell_log_prob(x)[0]
    shown = TokenSequence(context, *model, steps=T).cell_log_prob(x)[0]
    assert torch.equal(hidden[:, 0], shown[:, 0])
    for t in range(1, T):  # a step's density hangs on its own token alone
        for v in range(V):
            assert hidden[x[:, t] == v, t].std() < 1e-12
    some = TokenSequence(context, *model, steps=T, word_dropout=0.5).cell_log_prob(x)[0]
    changed = (some != shown)[:, 1].double().mean().item()
    assert changed == pytest.approx(0.5, abs=4 * (0.25 / 81) ** 0.5)
