"""IWAEAdam: Adam as the code of importance weighted autoencoders has it."""

from __future__ import annotations

__all__ = ["IWAEAdam"]

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from lvm_experiments.types import NonNegativeFloat, PositiveFloat, Probability


class IWAEAdam(Optimizer):
    r"""Adam whose second moments begin at a constant and are corrected as if they had begun at zero.

    $$ \theta_t = \theta_{t-1} - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m_t}{\sqrt{v_t} + \epsilon} $$

    with $m_0 = 0$ and $v_0$ one in the released code. As $v_t$ forgets its start, steps grow for some thousands of
    updates: a warm-up of the learning rate, which the paper does not speak of. $\epsilon$ is added to the root before
    any correction. In the released code a step takes the moments as they were before its own gradient; here, after it.

    With these constants the scale of the loss matters. The paper's is the sum over a batch; divided by B, it gives the
    same steps where $v_0$ is divided by $B^2$ and $\epsilon$ by B.

    Arguments:
        params: The parameters.
        lr: The learning rate $\eta$.
        betas: Decay of the running moments.
        eps: $\epsilon$.
        start: $v_0$.

    Raises:
        ValueError: For moments that never decay.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(1))
        >>> optimizer = IWAEAdam([p], lr=1.0, betas=(0.0, 0.75), eps=1.0)
        >>> p.grad = torch.ones(1)
        >>> optimizer.step()
        >>> p.item()  # sqrt(1 - 0.75) * 1 / (1 + 1)
        -0.25

    References:
        | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015), the released code
        | https://arxiv.org/abs/1509.00519
    """

    def __init__(
        self,
        params: ParamsT,
        lr: NonNegativeFloat = 1e-3,
        betas: tuple[Probability, Probability] = (0.99, 0.999),
        eps: PositiveFloat = 1e-4,
        start: PositiveFloat = 1.0,
    ) -> None:
        if max(betas) >= 1:
            raise ValueError(f"betas lie below 1, not at {list(betas)}")
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "start": start})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._update(p, group)
        return loss

    def _update(self, p: torch.Tensor, group: dict[str, Any]) -> None:
        state, (beta1, beta2) = self.state[p], group["betas"]
        if not state:
            state["step"] = torch.zeros(())  # on the CPU, to be read without waiting for the device
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(p), torch.full_like(p, group["start"])
        state["step"] += 1
        t = state["step"].item()
        state["exp_avg"].lerp_(p.grad, 1 - beta1)
        state["exp_avg_sq"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
        size = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        p.addcdiv_(state["exp_avg"], state["exp_avg_sq"].sqrt().add_(group["eps"]), value=-size)
