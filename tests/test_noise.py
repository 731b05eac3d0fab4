"""Keyed noise: what it depends on (to the bit), what it is distributed as, what it refuses.

Statistical tests have fixed seeds; correlations allow 5 / sqrt(n), Kolmogorov-Smirnov p-values must exceed 1e-4.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor
from torch import distributions as d

from lvm_experiments.noise import _KEYED, _UNKEYED, _mix, _mix_int, keyed_noise, seed_step, step_seed

DRAWS: dict[str, Callable[..., Tensor]] = {
    "rand": lambda shape, dtype: torch.rand(shape, dtype=dtype),
    "randn": lambda shape, dtype: torch.randn(shape, dtype=dtype),
    "size": lambda shape, dtype: torch.randn(size=shape, dtype=dtype),
    "unpacked": lambda shape, dtype: torch.rand(*shape, dtype=dtype),
    "rand_like": lambda shape, dtype: torch.rand_like(torch.empty(shape, dtype=dtype)),
    "randn_like": lambda shape, dtype: torch.randn_like(torch.empty(shape), dtype=dtype),
    "normal": lambda shape, dtype: torch.normal(torch.zeros(shape, dtype=dtype), 2.0),
    "normal_size": lambda shape, dtype: torch.normal(1.0, 2.0, shape, dtype=dtype),
    "bernoulli": lambda shape, dtype: torch.bernoulli(torch.full(shape, 0.3, dtype=dtype)),
    "normal_": lambda shape, dtype: torch.empty(shape, dtype=dtype).normal_(),
    "uniform_": lambda shape, dtype: torch.empty(shape, dtype=dtype).uniform_(-1, 2),
    "exponential_": lambda shape, dtype: torch.empty(shape, dtype=dtype).exponential_(),
}


def draw(name: str, shape: tuple[int, ...], index: Tensor, *, dtype: torch.dtype = torch.float64, **key: int) -> Tensor:
    """The second of two draws, so that the count of calls matters."""
    with keyed_noise(index, **{"seed": 0, **key}):
        torch.rand(shape[0], len(index))
        return DRAWS[name](shape, dtype)


@pytest.mark.parametrize("name", sorted(DRAWS))
@given(data=st.data())
def test_a_draw_is_the_same_bits_in_any_chunk_batch_and_order(name: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    K, B = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    cells = tuple(data.draw(st.lists(st.integers(1, 9), max_size=3)))
    start = data.draw(st.integers(0, 2**40))
    index = start + torch.arange(B)
    whole = draw(name, (K, B, *cells), index, dtype=dtype)
    first = data.draw(st.integers(0, K - 1))
    size = data.draw(st.integers(1, K - first))
    chosen = torch.tensor(data.draw(st.lists(st.integers(0, B - 1), min_size=1, max_size=12)))
    part = draw(name, (size, len(chosen), *cells), index[chosen], dtype=dtype, first=first)
    assert torch.equal(part, whole[first : first + size, chosen])


def test_a_draw_does_not_depend_on_torch_s_own_generator_nor_change_it() -> None:
    torch.manual_seed(1)
    one = draw("randn", (3, 4, 5), torch.arange(4))
    state = torch.get_rng_state()
    torch.manual_seed(2)
    other = draw("randn", (3, 4, 5), torch.arange(4))
    assert torch.equal(one, other)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", [0, 1, 2**62])
@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("rand", stats.uniform()),
        ("randn", stats.norm()),
        ("uniform_", stats.uniform(-1, 3)),
        ("normal_size", stats.norm(1, 2)),
        ("exponential_", stats.expon()),
    ],
)
def test_a_draw_has_its_distribution(name: str, law: stats.rv_continuous, seed: int, dtype: torch.dtype) -> None:
    x = draw(name, (40, 50, 25), torch.arange(50), seed=seed, dtype=dtype)
    assert stats.kstest(x.flatten().numpy(), law.cdf).pvalue > 1e-4
    # Not only all together: each example, draw and cell on its own (50 + 40 + 25 tests).
    for axis in range(3):
        for row in x.movedim(axis, 0).flatten(1).numpy():
            assert stats.kstest(row, law.cdf).pvalue > 1e-5


def correlation(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a.flatten().double(), b.flatten().double()]))[0, 1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["rand", "randn"])
def test_examples_draws_cells_calls_streams_and_seeds_are_uncorrelated(name: str, dtype: torch.dtype) -> None:
    index = torch.arange(100)
    shape = (100, 100, 20)
    x = draw(name, shape, index, dtype=dtype)
    with keyed_noise(index, 0):
        first_call = DRAWS[name](shape, dtype)
    others = {
        "call": (x, first_call),
        "seed": (x, draw(name, shape, index, dtype=dtype, seed=1)),
        "stream": (x, draw(name, shape, index, dtype=dtype, stream=1)),
        "stream_of_seed": (
            draw(name, shape, index, dtype=dtype, seed=1),
            draw(name, shape, index, dtype=dtype, stream=1),
        ),
        "example": (x[:, 1:], x[:, :-1]),
        "draw": (x[1:], x[:-1]),
        "cell": (x[..., 1:], x[..., :-1]),
        "pair_of_one_hash": (x[..., :10], x[..., 10:]),
        "example_and_draw": (x[1:, :-1], x[:-1, 1:]),
        "draw_and_cell": (x[1:, :, :-1], x[:-1, :, 1:]),
    }
    for what, (a, b) in others.items():
        bound = 5 / a.numel() ** 0.5
        assert abs(correlation(a, b)) < bound, what
        assert abs(correlation((a - a.mean()) ** 2, (b - b.mean()) ** 2)) < bound, what
        assert not torch.equal(a, b), what


def test_the_observation_s_stream_is_not_the_model_s() -> None:
    index = torch.arange(2000)
    with keyed_noise(index, 0, stream=1):
        u = torch.rand(1, 2000, 30)
    with keyed_noise(index, 0):
        z = torch.randn(1, 2000, 30)
    bound = 5 / 60_000**0.5
    assert abs(correlation(u, z)) < bound
    assert abs(correlation(u, torch.special.ndtr(z))) < bound
    assert abs(correlation((u - 0.5) ** 2, z**2)) < bound


def test_uniforms_lie_in_the_half_open_interval_and_use_every_digit() -> None:
    for dtype, digits in ((torch.float32, 24), (torch.float64, 53)):
        u = draw("rand", (50, 100, 100), torch.arange(100), dtype=dtype)
        assert u.min() >= 0
        assert u.max() < 1
        last = (u * 2.0**digits).double().remainder(2)
        assert abs(last.mean() - 0.5) < 5 * 0.5 / u.numel() ** 0.5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bits_stay_finite(dtype: torch.dtype) -> None:
    u = draw("rand", (20, 50, 20), torch.arange(50), dtype=dtype)
    z = draw("randn", (20, 50, 20), torch.arange(50), dtype=dtype)
    assert u.dtype == z.dtype == dtype
    assert 0 <= u.min() < u.max() < 1
    assert abs(u.float().mean() - 0.5) < 0.02
    assert z.isfinite().all()
    assert abs(z.float().std() - 1) < 0.03


def test_exponential_noise_is_never_zero() -> None:
    """Its logarithm is Gumbel noise; a uniform of exactly 0 comes once in 2^24 draws."""
    noise = keyed_noise(torch.arange(1), 0)
    noise.uniform = lambda shape, dtype=None: torch.zeros(shape, dtype=dtype)  # type: ignore[method-assign]
    with noise:
        x = torch.empty(1, 1, 3).exponential_()
    assert (x > 0).all()
    assert x.log().isfinite().all()


def test_in_place_draws_take_their_parameters_by_name() -> None:
    index = torch.arange(50)
    with keyed_noise(index, 0):
        slow = torch.empty(100, 50, 10).exponential_(lambd=4.0)
    with keyed_noise(index, 0):
        wide = torch.empty(100, 50, 10).uniform_(0, to=8.0)
    with keyed_noise(index, 0):
        far = torch.empty(100, 50, 10).normal_(mean=3.0, std=0.1)
    assert abs(slow.mean() - 0.25) < 5 * 0.25 / 50_000**0.5
    assert abs(wide.mean() - 4) < 5 * 8 / 12**0.5 / 50_000**0.5
    assert abs(far.mean() - 3) < 5 * 0.1 / 50_000**0.5


# ---- what has no keyed form --------------------------------------------------------------------

REFUSED: dict[str, Callable[[], object]] = {
    "multinomial": lambda: torch.multinomial(torch.ones(4, 3), 1),
    "poisson": lambda: torch.poisson(torch.ones(2, 4)),
    "binomial": lambda: torch.binomial(torch.ones(2, 4), torch.full((2, 4), 0.5)),
    "randint": lambda: torch.randint(0, 5, (2, 4)),
    "randint_like": lambda: torch.randint_like(torch.ones(2, 4), 5),
    "randperm": lambda: torch.randperm(4),
    "bernoulli_": lambda: torch.ones(2, 4).bernoulli_(),
    "method_bernoulli": lambda: torch.ones(2, 4).bernoulli(),
    "cauchy_": lambda: torch.ones(2, 4).cauchy_(),
    "log_normal_": lambda: torch.ones(2, 4).log_normal_(),
    "geometric_": lambda: torch.ones(2, 4).geometric_(0.5),
    "random_": lambda: torch.ones(2, 4).random_(),
    "out": lambda: torch.randn(2, 4, out=torch.empty(2, 4)),
    "generator": lambda: torch.rand(2, 4, generator=torch.Generator()),
    "one_axis": lambda: torch.rand(4),
    "another_batch": lambda: torch.rand(2, 5),
    "no_axis": lambda: torch.rand(()),
    # Written in Python or in C++ around a sampler: seen when leaving.
    "dropout": lambda: F.dropout(torch.ones(2, 4), 0.5, training=True),
    "alpha_dropout": lambda: F.alpha_dropout(torch.ones(2, 4), 0.5, training=True),
    "feature_dropout": lambda: F.dropout2d(torch.ones(2, 4, 3, 3), 0.5, training=True),
    "torch_dropout": lambda: torch.dropout(torch.ones(2, 4), 0.5, True),
    "native_dropout": lambda: torch.native_dropout(torch.ones(2, 4), 0.5, True),
    "rrelu": lambda: F.rrelu(-torch.ones(2, 4), training=True),
    "gumbel_softmax": lambda: F.gumbel_softmax(torch.zeros(2, 4, 3)),
    "attention": lambda: F.scaled_dot_product_attention(*[torch.ones(1, 1, 4, 8)] * 3, dropout_p=0.5),
    "lstm": lambda: torch.nn.LSTM(2, 3, 2, dropout=0.5)(torch.ones(3, 4, 2)),
    "initialisation": lambda: torch.nn.Linear(3, 5),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_noise_that_is_not_keyed_is_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"keyed|no use"), keyed_noise(torch.arange(4), 0):
        REFUSED[name]()


def test_dropout_in_evaluation_mode_is_no_noise() -> None:
    with keyed_noise(torch.arange(4), 0):
        assert torch.equal(F.dropout(torch.ones(2, 4), 0.5, training=False), torch.ones(2, 4))


def test_an_error_inside_stays_that_error() -> None:
    def fail() -> None:
        with keyed_noise(torch.arange(4), 0):
            torch.nn.Dropout(0.5)(torch.ones(2, 4))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()


def test_every_sampler_that_torch_declares_is_keyed_refused_or_seen_when_leaving() -> None:
    """A new version of torch may bring new ones: they get their place here."""
    seen_when_leaving = {"alpha_dropout", "dropout", "gru", "lstm", "native_dropout", "rnn_relu", "rnn_tanh"}
    seen_when_leaving |= {"miopen_rnn"}  # AMD only
    seen_when_leaving |= {"feature_dropout", "feature_alpha_dropout", "rrelu"}
    seen_when_leaving |= {f"{name}_" for name in ("alpha_dropout", "dropout", "feature_dropout", "rrelu")}
    seen_when_leaving |= {"feature_alpha_dropout_"}
    unknown = set()
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name, None)
        if name.startswith("_") or not isinstance(packet, torch._ops.OpOverloadPacket):
            continue
        tags = [getattr(packet, o).tags for o in packet.overloads()]
        if not any(torch.Tag.nondeterministic_seeded in t for t in tags):
            continue
        for place in (torch, Tensor):
            function = getattr(place, name, None)
            if function is not None and function not in _KEYED and function not in _UNKEYED:
                unknown.add(name)
    assert unknown <= seen_when_leaving


# ---- torch.distributions -----------------------------------------------------------------------

P = torch.linspace(0.2, 0.8, 6)
PLUS = torch.linspace(0.5, 2.0, 6)
SQUARE = torch.eye(2).expand(6, 2, 2)
KEYED: dict[str, Callable[[], d.Distribution]] = {
    "Bernoulli": lambda: d.Bernoulli(P),
    "ContinuousBernoulli": lambda: d.ContinuousBernoulli(P),
    "Exponential": lambda: d.Exponential(PLUS),
    "Geometric": lambda: d.Geometric(P),
    "Gumbel": lambda: d.Gumbel(P, PLUS),
    "HalfNormal": lambda: d.HalfNormal(PLUS),
    "Independent": lambda: d.Independent(d.Normal(P, PLUS), 0),
    "Kumaraswamy": lambda: d.Kumaraswamy(PLUS, PLUS + 1),
    "Laplace": lambda: d.Laplace(P, PLUS),
    "LogNormal": lambda: d.LogNormal(P, 0.3 * PLUS),
    "LowRankMultivariateNormal": lambda: d.LowRankMultivariateNormal(
        P[:, None].expand(6, 2), torch.ones(6, 2, 1), torch.ones(6, 2)
    ),
    "MultivariateNormal": lambda: d.MultivariateNormal(P[:, None].expand(6, 2), SQUARE),
    "Normal": lambda: d.Normal(P, PLUS),
    "Pareto": lambda: d.Pareto(PLUS, 6 * torch.ones(6)),
    "Uniform": lambda: d.Uniform(P, P + PLUS),
    "Weibull": lambda: d.Weibull(PLUS, PLUS + 1),
}
KEYED_WITHOUT_MOMENTS: dict[str, Callable[[], d.Distribution]] = {
    "LogisticNormal": lambda: d.LogisticNormal(P[:, None].expand(6, 2), torch.ones(6, 2)),
    "RelaxedBernoulli": lambda: d.RelaxedBernoulli(torch.tensor(0.5), P),
    "RelaxedOneHotCategorical": lambda: d.RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(6, 3)),
}
NOT_KEYED: dict[str, Callable[[], d.Distribution]] = {
    "Beta": lambda: d.Beta(PLUS, PLUS),
    "Binomial": lambda: d.Binomial(3, P),
    "Categorical": lambda: d.Categorical(torch.ones(6, 3)),
    "Cauchy": lambda: d.Cauchy(P, PLUS),
    "Dirichlet": lambda: d.Dirichlet(torch.ones(6, 3)),
    "Gamma": lambda: d.Gamma(PLUS, PLUS),
    "MixtureSameFamily": lambda: d.MixtureSameFamily(d.Categorical(torch.ones(6, 3)), d.Normal(torch.zeros(6, 3), 1.0)),
    "NegativeBinomial": lambda: d.NegativeBinomial(3, P),
    "OneHotCategorical": lambda: d.OneHotCategorical(torch.ones(6, 3)),
    "Poisson": lambda: d.Poisson(PLUS),
    "StudentT": lambda: d.StudentT(3 * PLUS),
}


@pytest.mark.parametrize("name", sorted(KEYED | KEYED_WITHOUT_MOMENTS))
def test_torch_s_distributions_draw_keyed_noise(name: str) -> None:
    law = (KEYED | KEYED_WITHOUT_MOMENTS)[name]()
    index = torch.arange(6)
    with keyed_noise(index, 3):
        whole = law.sample((40,))
    with keyed_noise(index, 3, first=7):
        part = law.sample((5,))
    # Functions of the noise may differ in the last digit between a vector's middle and its end.
    assert torch.allclose(part, whole[7:12], rtol=1e-5, atol=0)
    assert len(whole.unique(dim=0)) > 1
    if name in KEYED:
        with keyed_noise(index, 4):
            many = law.sample((20_000,))
        error = (many.var(0) / 20_000).sqrt()
        assert ((many.mean(0) - law.mean).abs() < 5 * error).all()


@pytest.mark.parametrize("name", sorted(NOT_KEYED))
def test_torch_s_distributions_without_a_keyed_form_are_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match="keyed"), keyed_noise(torch.arange(6), 0):
        NOT_KEYED[name]().sample((4,))


# ---- training noise ----------------------------------------------------------------------------


def test_step_seeds_differ_for_every_seed_step_and_rank_and_fit_a_generator() -> None:
    seeds = {step_seed(s, t, r) for s in range(10) for t in range(2000) for r in range(4)}
    assert len(seeds) == 10 * 2000 * 4
    assert min(seeds) >= 0
    assert max(seeds) < 2**63
    torch.Generator().manual_seed(max(seeds))


def test_step_seeds_do_not_change_between_versions() -> None:
    """A resumed run draws what the interrupted one would have drawn."""
    assert step_seed(0, 0) == 1873292843429313585
    assert step_seed(1, 2, 3) == 4283405593245855888


def test_the_hash_is_splitmix64_for_integers_and_for_tensors() -> None:
    golden = 0x9E3779B97F4A7C15
    # The first two outputs of the published generator at seed 0.
    assert _mix_int(golden) == 0xE220A8397B1DCDAF
    assert _mix_int(2 * golden) == 0x6E789E6AA1B965F4
    x = torch.randint(-(2**63), 2**63 - 1, (1000,))
    assert [v % 2**64 for v in _mix(x).tolist()] == [_mix_int(v) for v in x.tolist()]


def test_a_step_s_noise_is_a_function_of_seed_step_and_rank() -> None:
    def noise(*key: int) -> Tensor:
        seed_step(*key)
        return torch.randn(200)

    torch.rand(7)
    first = noise(0, 5)
    torch.rand(3)
    assert torch.equal(noise(0, 5), first)
    for other in ((0, 6), (1, 5), (0, 5, 1)):
        assert abs(correlation(noise(*other), first)) < 5 / 200**0.5
