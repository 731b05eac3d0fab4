"""The contract of likelihoods."""

from __future__ import annotations

__all__ = ["check_likelihood"]

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lvm_experiments.distributions import Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import (
    STANDARD_ERRORS,
    agrees_with_moments,
    column_of,
    gradients_reach,
    in_support,
    require,
    seeded,
    survives_saving,
)

_SPACES = ("binary", "bytes", "unit", "real", "counts", "tokens", "mixed")
_K, _B, _DRAWS = 2, 3, 4000
_WHOLE_DRAWS = 1000  # where each step waits for the one before
_COUNTS, _PIXELS = 3000, 5000


def check_likelihood(likelihood: Callable[[DataSpec], Likelihood], spec: DataSpec) -> None:
    """Shapes, support, moments, normalisation, missing cells, saturation, gradients, saving.

    Arguments:
        likelihood: What is called with `spec` to build it: a class, or a partial of one.
        spec: What is known of the data, in the likelihood's space.

    Raises:
        AssertionError: With the promise that is not kept.
    """
    with seeded():
        # The promises are those of evaluation: in training an example's value may depend on the others.
        part = likelihood(spec).eval()
        _states_facts(part, spec)
        raw = torch.randn(_K, _B, *part.parameter_shape, requires_grad=True)
        x = _has_shapes(part, spec, raw)
        _checks_support(part, x)
        if part.normalised:
            _samples_from_its_density(part, raw.detach() / 2)
            _sums_to_one(likelihood, spec)
        if part.mask is not None:
            _ignores_missing_cells(part, spec, raw, x)
        _is_finite_when_saturated(part, x)
        _trains(part.train(), spec, raw, x)
        fixed = raw.detach()
        survives_saving(lambda: likelihood(spec), lambda m: m(fixed).log_prob(x))


def _states_facts(part: Likelihood, spec: DataSpec) -> None:
    require(isinstance(part, Likelihood), "a likelihood is a Likelihood")
    require(part.space in _SPACES, f"space is one of {', '.join(_SPACES)}")
    require(part.mask in ("cells", "pixels", "steps", None), "mask is cells, pixels, steps or None")
    require(isinstance(part.normalised, bool), "normalised says whether log_prob is a log density")
    require(isinstance(part.parameter_shape, tuple), "parameter_shape is a tuple")


def _has_shapes(part: Likelihood, spec: DataSpec, raw: Tensor) -> Tensor:
    p = part(raw)
    require(isinstance(p, Observation), "forward gives an Observation")
    require(p.batch_shape == (_K, _B), "the batch shape of p(x|z) is (K, B)")
    require(p.event_shape == spec.shape, "the event shape of p(x|z) is that of an example")
    require(p.sample().shape == (_K, _B, *spec.shape), "a draw has shape (K, B, *shape)")
    require(not p.sample().requires_grad, "gradients do not pass a draw")
    require(p.sample((4,)).shape == (4, _K, _B, *spec.shape), "sample axes come first")
    require(p.mean.shape == (_K, _B, *spec.shape), "the mean has shape (K, B, *shape)")
    if part.normalised:
        require(in_support(spec, p.sample((50,))), "draws lie in the support")
    require(p.representative.shape == p.mean.shape, "what stands for x has the shape of its mean")
    x = p.sample()[0]
    log_p = p.log_prob(x)
    require(log_p.shape == (_K, _B), "log_prob of x (B, *shape) has shape (K, B)")
    require(log_p.dtype == raw.dtype, "log_prob keeps the type of its parameters")
    require(torch.isfinite(log_p).all(), "log_prob of a draw is finite")
    seen = torch.ones(_B, *spec.shape, dtype=torch.bool)
    require(torch.allclose(p.log_prob(x, seen), log_p), "a mask that hides nothing is no mask")
    own = torch.stack([x, x.flip(0)])[:_K]
    both = p.log_prob(own)
    require(both.shape == (_K, _B), "log_prob of x (K, B, *shape) has shape (K, B)")
    require(torch.allclose(both[0], log_p[0]), "each draw of z is scored on its own")
    alone = part(raw[:, 1:2]).log_prob(x[1:2])
    require(torch.allclose(alone, log_p[:, 1:2]), "an example's density does not depend on the others")
    return x


def _checks_support(part: Likelihood, x: Tensor) -> None:
    part.check(x)
    broken = x.clone()
    broken[0].view(-1)[-1] = torch.nan  # of sequences a last step, the only one that may be missing alone
    require(_refuses(part, broken), "check refuses NaN")
    mask = torch.isfinite(broken)
    if part.mask == "pixels":
        mask = mask.all(1, keepdim=True).expand_as(mask)
    promise = "check refuses missing cells" if part.mask is None else "check passes over what is missing"
    require(_refuses(part, broken, mask) == (part.mask is None), promise)


def _refuses(part: Likelihood, x: Tensor, mask: Tensor | None = None) -> bool:
    try:
        part.check(x, mask)
    except ValueError:
        return True
    return False


def _samples_from_its_density(part: Likelihood, raw: Tensor) -> None:
    p = part(raw)
    if part.has_moments:
        agrees_with_moments(p.sample((_DRAWS,)), p.mean, p.variance, "p(x|z)")
        return
    # The mass of p at its neighbours' parameters, by draws from p as they are.
    wide = raw[:1, :1].expand(1, _WHOLE_DRAWS, *part.parameter_shape)
    with torch.no_grad():
        draws = part(wide).sample()[0]
        other = wide + 0.5 * torch.randn_like(raw[:1, :1])
        weight = (part(other).log_prob(draws) - part(wide).log_prob(draws)).double().exp()
    error = STANDARD_ERRORS * weight.std() / _WHOLE_DRAWS**0.5 + 1e-5
    require((weight.mean() - 1).abs() <= error, "draws of p(x|z) are those of its density")


def _sums_to_one(likelihood: Callable[[DataSpec], Likelihood], spec: DataSpec) -> None:
    """Over all values of a cell: of a single one, and of the first of many, the others missing."""
    part = likelihood(spec).eval()
    if spec.space == "mixed":
        for d, column in enumerate(spec.columns):
            mask = torch.arange(spec.dims) == d
            require(_mass(part, column_of(spec, d), d, mask), f"the density of a column of {column} integrates to 1")
        return
    if spec.space == "counts" and part.mask is None:
        require(_mass_of_total(part), "given their total, the mass of all counts is 1")
        return
    if part.mask in ("steps", None) and 0 < spec.levels**spec.dims <= _PIXELS:
        require(_mass_of_all(part), "the mass of all examples is 1")
    single = spec.replace(shape=(1,) * len(spec.shape), mean=None, std=None)
    require(_mass(likelihood(single).eval(), single), "the density of a cell integrates to 1")
    if part.mask == "pixels" and 0 < spec.levels ** spec.shape[0] <= _PIXELS:
        require(_mass_of_pixel(part), "the mass of all values of a pixel is 1")
    if part.mask == "cells":
        mask = torch.zeros(spec.shape, dtype=torch.bool)
        mask.view(-1)[0] = True
        require(_mass(part, spec, mask=mask), "log_prob is the sum over cells, so one among many integrates to 1")


def _mass(part: Likelihood, spec: DataSpec, cell: int = 0, mask: Tensor | None = None) -> bool:
    """Whether the mass of a cell, whose space `spec` has, is 1 for 5 sets of parameters."""
    raw = torch.randn(1, 5, *part.parameter_shape)
    p = part(raw)
    if spec.space in ("binary", "bytes", "counts"):
        # The tail of any count that a test draws is lighter than e^-12 beyond.
        levels = _COUNTS if spec.space == "counts" else max(spec.levels, 2)
        x = torch.arange(levels, dtype=raw.dtype)[:, None].expand(-1, 5)
        weights = torch.ones_like(x)
    elif spec.space == "unit":
        # Even steps of the logit reach densities that are infinite at an edge.
        edge = -math.log(torch.finfo(raw.dtype).eps)
        logit = torch.linspace(-edge, edge, 4001)[:, None].expand(-1, 5)
        x = torch.sigmoid(logit)
        weights = _trapezoid(logit) * x * torch.sigmoid(-logit)
    elif spec.space in ("real", "positive"):
        # sinh reaches tails that fall slowly.
        spread = torch.sinh(torch.linspace(-10, 10, 4001))[:, None]
        mean, variance = p.mean.flatten(2)[..., cell], p.variance.flatten(2)[..., cell]
        x = mean + variance.sqrt() * spread
        if spec.space == "positive":
            x = torch.exp(torch.linspace(-40, 40, 8001))[:, None].expand(-1, 5)
        weights = _trapezoid(x)
    else:
        return True
    shape = part.spec.shape
    cells = x.reshape(-1, 5, *(1 for _ in shape)).expand(-1, 5, *shape)
    whole = part(raw.expand(len(x), 5, *part.parameter_shape))
    mass = (whole.log_prob(cells, mask).exp() * weights).sum(0)
    return torch.allclose(mass, torch.ones_like(mass), atol=1e-3)


def _mass_of_pixel(part: Likelihood) -> bool:
    """Over all values of the channels of the first pixel, the others missing."""
    channels, *image = part.spec.shape
    values = torch.arange(part.spec.levels, dtype=torch.get_default_dtype())
    x = torch.cartesian_prod(*[values] * channels).reshape(-1, channels, *(1 for _ in image))
    mask = torch.zeros((1, *image), dtype=torch.bool)
    mask.view(-1)[0] = True
    raw = torch.randn(1, 1, *part.parameter_shape).expand(1, len(x), *part.parameter_shape)
    mass = part(raw).log_prob(x.expand(-1, channels, *image), mask).exp().sum()
    return torch.allclose(mass, torch.ones_like(mass), atol=1e-4)


def _mass_of_all(part: Likelihood) -> bool:
    """Over all examples there can be, of sequences with an end those that repeat it after it."""
    spec = part.spec
    values = torch.arange(spec.levels, dtype=torch.get_default_dtype())
    x = torch.cartesian_prod(*[values] * spec.dims).reshape(-1, *spec.shape)
    if spec.end is not None:
        ended = x == spec.end
        x = x[(ended[:, 1:] | ~ended[:, :-1]).all(1)]
    raw = torch.randn(1, 1, *part.parameter_shape).expand(1, len(x), *part.parameter_shape)
    mass = part(raw).log_prob(x).exp().sum()
    return torch.allclose(mass, torch.ones_like(mass), atol=1e-4)


def _mass_of_total(part: Likelihood, total: int = 3) -> bool:
    """Over all ways in which a total falls on the cells."""
    cells = part.spec.dims
    chosen = torch.combinations(torch.arange(cells), total, with_replacement=True)
    x = torch.nn.functional.one_hot(chosen, cells).sum(1).to(torch.get_default_dtype())
    raw = torch.randn(1, 1, *part.parameter_shape).expand(1, len(x), *part.parameter_shape)
    mass = part(raw).log_prob(x.reshape(len(x), *part.spec.shape)).exp().sum()
    return torch.allclose(mass, torch.ones_like(mass), atol=1e-4)


def _trapezoid(x: Tensor) -> Tensor:
    step = x.diff(dim=0) / 2
    none = torch.zeros_like(x[:1])
    return torch.cat([step, none]) + torch.cat([none, step])


def _ignores_missing_cells(part: Likelihood, spec: DataSpec, raw: Tensor, x: Tensor) -> None:
    cells = {"cells": spec.shape, "pixels": (1, *spec.shape[1:]), "steps": spec.shape[:1]}
    mask = torch.rand(_B, *cells[part.mask or "cells"]) < 0.5
    mask[0], mask[1] = True, False
    if part.mask == "steps":
        mask = mask.cumprod(1).bool()  # steps are missing at the end
    values, gradients = [], []
    for filler in (0.0, 1e6, torch.nan):
        with seeded():  # in training a likelihood may draw
            log_p = part(raw).log_prob(torch.where(mask, x, x.new_tensor(filler)), mask)
        values.append(log_p)
        gradients.append(torch.autograd.grad(log_p.sum(), raw)[0])
    bits = "what stands in a missing cell changes no bit of"
    require(all(torch.equal(values[0], v) for v in values), f"{bits} log_prob")
    require(all(torch.equal(gradients[0], g) for g in gradients), f"{bits} its gradient")
    require(torch.isfinite(gradients[0]).all(), "gradients are finite where cells are missing")
    require((values[0][:, 1] == 0).all(), "log_prob of nothing is 0")
    if not part.training:
        whole = part(raw).log_prob(x)[:, 0]
        require(torch.allclose(values[0][:, 0], whole), "a mask of all ones is no mask")


def _trains(part: Likelihood, spec: DataSpec, raw: Tensor, x: Tensor) -> None:
    if part.mask is not None:
        _ignores_missing_cells(part, spec, raw, x)
    _is_finite_when_saturated(part, x)
    log_p = part(raw).log_prob(x)
    require(log_p.shape == (_K, _B), "log_prob has shape (K, B) in training, too")
    gradients_reach(part, log_p.sum(), "log_prob")


def _is_finite_when_saturated(part: Likelihood, x: Tensor) -> None:
    for value in (-50.0, 50.0):
        raw = torch.full((1, _B, *part.parameter_shape), value, requires_grad=True)
        log_p = part(raw).log_prob(x)
        (gradient,) = torch.autograd.grad(log_p.sum(), raw)
        require(torch.isfinite(log_p).all(), f"log_prob is finite at raw parameters of {value:g}")
        require(torch.isfinite(gradient).all(), f"gradients are finite at raw parameters of {value:g}")
