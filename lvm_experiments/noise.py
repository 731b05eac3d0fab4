"""Noise that is a function of what it is for, so that numbers do not depend on chunks, batches, order or ranks."""

from __future__ import annotations

__all__ = ["keyed_noise", "seed_step", "step_seed"]

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _signed(x: int) -> int:
    x &= _MASK
    return x - (1 << 64) if x >> 63 else x


def _mix_int(x: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea & Flood, 2014) on a Python integer."""
    x &= _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _shift(x: Tensor, n: int) -> Tensor:
    # Torch's shift of int64 keeps the sign; the hash needs the logical one.
    return (x >> n) & ((1 << (64 - n)) - 1)


def _mix(x: Tensor) -> Tensor:
    """`_mix_int` on int64 tensors, whose products wrap around."""
    x = (x ^ _shift(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shift(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shift(x, 31)


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """The seed of training step `step`: nothing has to be saved to resume the noise.

    Example:
        >>> step_seed(0, 1) == step_seed(0, 1), step_seed(0, 1) == step_seed(0, 2)
        (True, False)
    """
    return _mix_int(_mix_int(_mix_int(seed + _GOLDEN) + step * _GOLDEN) + rank * _GOLDEN) >> 1


def seed_step(seed: int, step: int, rank: int = 0, device: torch.device | None = None) -> None:
    """Seeds the generators that the draws of one training step use."""
    value = step_seed(seed, step, rank)
    # `torch.manual_seed` walks over every backend, which costs 85 us a step; this costs 1.
    torch.default_generator.manual_seed(value)
    if device is not None and device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)
    elif device is not None and device.type == "mps":
        torch.mps.manual_seed(value)


class keyed_noise(TorchFunctionMode):  # noqa: N801 - used like torch.no_grad
    r"""Inside, every draw depends on (seed, stream, example, number of the draw, number of the call) only.

    A draw has shape `(K, B, ...)`. Cell `d` of draw `k` for example `i` in call `c` is a counter-based hash
    of `(seed, stream, i, c, k, d)` (SplitMix64's finaliser), turned into a uniform or, by Box and Muller, into a
    normal number.
    So the noise is the same for any batch size, order, chunk of K and number of ranks.

    Arguments:
        index: The examples' numbers in their data set, shape `(B,)`.
        seed: The seed.
        first: The number of the first of the K draws; a chunk starts where the one before ended.
        stream: Separates uses that must not share noise (the observation map's from the model's).

    Raises:
        RuntimeError: On a draw without the two leading axes `(K, B)`, by a function that has no keyed form,
            or, when leaving, if anything inside has drawn from torch's own generator.

    Example:
        >>> index = torch.arange(3)
        >>> with keyed_noise(index, seed=0):
        ...     whole = torch.randn(4, 3, 2)
        >>> with keyed_noise(index[1:], seed=0, first=2):
        ...     part = torch.randn(2, 2, 2)
        >>> torch.equal(whole[2:, 1:], part)
        True

    References:
        | Parallel Random Numbers: As Easy as 1, 2, 3 (Salmon et al., 2011)
    """

    def __init__(self, index: Tensor, seed: int, first: int = 0, stream: int = 0) -> None:
        super().__init__()
        base = _signed(_mix_int(_mix_int(seed + _GOLDEN) + stream * _GOLDEN))
        self.keys = _mix(index.long() * _signed(_GOLDEN) + base)
        self.first, self.calls = first, 0

    def __enter__(self) -> keyed_noise:
        super().__enter__()
        self._before = self._generator_states()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        super().__exit__(kind, *rest)
        # Functions written in Python (dropout, gumbel_softmax) and layers draw where no mode sees it.
        same = all(map(torch.equal, self._before, self._generator_states()))
        if kind is None and not same:
            raise RuntimeError(
                "something drew noise that is not keyed (dropout or gumbel_softmax, say):"
                " evaluation noise would depend on the batch it is drawn in"
            )

    def _generator_states(self) -> list[Tensor]:
        states = [torch.default_generator.get_state()]
        if self.keys.is_cuda:
            states.append(torch.cuda.get_rng_state(self.keys.device))
        return states

    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        draw = _KEYED.get(func)
        if draw is not None:
            return draw(self, *args, **(kwargs or {}))
        if func in _UNKEYED:
            raise RuntimeError(
                f"{func.__name__} has no keyed form: evaluation noise would depend on the batch it is drawn in"
            )
        return func(*args, **(kwargs or {}))

    def bits(self, shape: Sequence[int], cells: int) -> Tensor:
        """64 hashed bits for each of `cells` counters of each (draw, example): shape `(K, B, cells)`."""
        if len(shape) < 2 or shape[1] != len(self.keys):
            raise RuntimeError(f"keyed noise draws (K, {len(self.keys)}, ...), not {tuple(shape)}")
        call = _mix(self.keys + _signed(_GOLDEN * (self.calls + 1)))
        self.calls += 1
        numbers = torch.arange(self.first, self.first + shape[0], device=self.keys.device)
        draws = _mix(call + numbers[:, None] * _signed(_GOLDEN))
        counters = torch.arange(1, cells + 1, device=self.keys.device) * _signed(_GOLDEN)
        return _mix(draws[..., None] + counters)

    def uniform(self, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
        """Uniform on [0, 1), as `torch.rand`."""
        dtype = dtype or torch.get_default_dtype()
        digits = 1 - round(math.log2(torch.finfo(dtype).eps))
        bits = _shift(self.bits(shape, math.prod(shape[2:])), 64 - digits)
        return (bits.to(dtype) * 2.0**-digits).reshape(tuple(shape))

    def normal(self, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
        """Standard normal, two numbers from each hash."""
        dtype = dtype or torch.get_default_dtype()
        exact = torch.float64 if dtype == torch.float64 else torch.float32
        cells = math.prod(shape[2:])
        bits = self.bits(shape, (cells + 1) // 2)
        radius = (-2 * torch.log((_shift(bits, 32).to(exact) + 0.5) * 2.0**-32)).sqrt()
        angle = ((bits & 0xFFFFFFFF).to(exact)) * (2.0**-31 * math.pi)
        both = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], -1)
        return both[..., :cells].reshape(tuple(shape)).to(dtype)


def _shape(size: tuple[Any, ...], options: dict[str, Any]) -> tuple[int, ...]:
    size = options.pop("size", size)
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], Sequence) else tuple(size)


def _refuse_odd(options: dict[str, Any]) -> None:
    """Options that would be passed over in silence; where the draw lives is not among them."""
    for name, value in options.items():
        where = name in ("device", "layout", "memory_format")
        if not (where or value is None or value is False):
            raise RuntimeError(f"keyed noise has no use for {name}=")


def _rand(noise: keyed_noise, *size: Any, dtype: torch.dtype | None = None, **options: Any) -> Tensor:
    shape = _shape(size, options)
    _refuse_odd(options)
    return noise.uniform(shape, dtype)


def _randn(noise: keyed_noise, *size: Any, dtype: torch.dtype | None = None, **options: Any) -> Tensor:
    shape = _shape(size, options)
    _refuse_odd(options)
    return noise.normal(shape, dtype)


def _rand_like(noise: keyed_noise, x: Tensor, *, dtype: torch.dtype | None = None, **options: Any) -> Tensor:
    _refuse_odd(options)
    return noise.uniform(x.shape, dtype or x.dtype)


def _randn_like(noise: keyed_noise, x: Tensor, *, dtype: torch.dtype | None = None, **options: Any) -> Tensor:
    _refuse_odd(options)
    return noise.normal(x.shape, dtype or x.dtype)


def _normal(
    noise: keyed_noise,
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    dtype: torch.dtype | None = None,
    **options: Any,
) -> Tensor:
    _refuse_odd(options)
    tensors = [t for t in (mean, std) if isinstance(t, Tensor)]
    shape = size if size is not None else torch.broadcast_shapes(*(t.shape for t in tensors))
    return mean + std * noise.normal(shape, dtype or (tensors[0].dtype if tensors else None))


def _bernoulli(noise: keyed_noise, p: Tensor, **options: Any) -> Tensor:
    _refuse_odd(options)
    return (noise.uniform(p.shape, p.dtype) < p).to(p.dtype)


def _normal_(noise: keyed_noise, x: Tensor, mean: float = 0.0, std: float = 1.0, **options: Any) -> Tensor:
    _refuse_odd(options)
    return x.copy_(mean + std * noise.normal(x.shape, x.dtype))


def _uniform_(noise: keyed_noise, x: Tensor, low: float = 0.0, high: float = 1.0, **options: Any) -> Tensor:
    low, high = options.pop("from", low), options.pop("to", high)
    _refuse_odd(options)
    return x.copy_(low + (high - low) * noise.uniform(x.shape, x.dtype))


def _exponential_(noise: keyed_noise, x: Tensor, lambd: float = 1.0, **options: Any) -> Tensor:
    _refuse_odd(options)
    # Never 0, as torch's own, whose logarithm is taken for Gumbel noise.
    u = noise.uniform(x.shape, x.dtype).clamp_min(torch.finfo(x.dtype).eps / 4)
    return x.copy_(-torch.log1p(-u) / lambd)


_KEYED: dict[Callable, Callable[..., Tensor]] = {
    torch.rand: _rand,
    torch.randn: _randn,
    torch.rand_like: _rand_like,
    torch.randn_like: _randn_like,
    torch.normal: _normal,
    torch.bernoulli: _bernoulli,
    Tensor.normal_: _normal_,
    Tensor.uniform_: _uniform_,
    Tensor.exponential_: _exponential_,
}
_UNKEYED = {
    torch.multinomial,
    torch.poisson,
    torch.binomial,
    torch.randint,
    torch.randint_like,
    torch.randperm,
    torch._standard_gamma,
    torch._sample_dirichlet,
    Tensor.multinomial,
    Tensor.bernoulli,
    Tensor.bernoulli_,
    Tensor.cauchy_,
    Tensor.geometric_,
    Tensor.log_normal_,
    Tensor.random_,
}
