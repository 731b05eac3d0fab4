"""AdamNormGrad: Adam on gradients of length one."""

from __future__ import annotations

__all__ = ["AdamNormGrad"]

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import ParamsT

from lvm_experiments.types import NonNegativeFloat, PositiveFloat, Probability


class AdamNormGrad(torch.optim.Adam):
    r"""Adam on $g_p / (\lVert g_p \rVert_2 + 10^{-7})$, where p is one tensor of parameters.

    The loss may have any scale; what is left of it is the direction within each tensor. Gradients keep the length
    they are given, so that clipping before the step changes nothing.

    Arguments:
        params: The parameters.
        lr: The learning rate.
        betas: Decay of the running moments.
        eps: Added to the denominator.
        fused: Whether to take torch's fused kernel; None leaves it to torch.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> optimizer = AdamNormGrad([p], lr=0.1)
        >>> p.grad = torch.tensor([300.0, 400.0])
        >>> optimizer.step()
        >>> p.grad
        tensor([0.6000, 0.8000])

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018), whose released code has it
        | https://arxiv.org/abs/1705.07120
        | Block-normalized gradient method (Yu et al., 2017)
        | https://arxiv.org/abs/1707.04822
    """

    def __init__(
        self,
        params: ParamsT,
        lr: NonNegativeFloat = 5e-4,
        betas: tuple[Probability, Probability] = (0.9, 0.999),
        eps: PositiveFloat = 1e-8,
        *,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr=lr, betas=(betas[0], betas[1]), eps=eps, fused=fused)
        # A fused step would divide by the loss scale of 16 bits after gradients were brought to length one.
        self._step_supports_amp_scaling = False

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        # Before torch's step, which takes gradients as the closure leaves them.
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad.div_(torch.linalg.vector_norm(p.grad) + 1e-7)
        super().step()
        return loss
