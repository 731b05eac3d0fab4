"""What an epoch comes to: sums over examples, of all processes."""

from __future__ import annotations

__all__ = ["Accounts"]

from typing import Any

import torch
from torch import Tensor, distributed

from lvm_experiments.processes import several_processes


class Accounts:
    """Sums over examples in float64, a line of them for each split, so that a mean is one over examples.

    Nothing leaves the device, and no process waits for another, until the means are asked for.

    Example:
        >>> accounts = Accounts()
        >>> accounts.add("train", {"elbo": torch.tensor([1.0, 2.0]), "loss": torch.tensor(3.0)}, 2)
        >>> accounts.add("train", {"elbo": torch.tensor([6.0]), "loss": torch.tensor(0.0)}, 1)
        >>> accounts.means("train"), accounts.means("train")
        ({'elbo': 3.0, 'loss': 2.0}, {})
    """

    def __init__(self) -> None:
        self.sums: dict[str, dict[str, Any]] = {}

    @torch.no_grad()
    def add(self, split: str, terms: dict[str, Tensor], examples: int) -> None:
        """Adds those of a batch.

        Arguments:
            split: Whose they are.
            terms: Values of single examples, shape `(B,)`, or a mean over them.
            examples: How many of the batch are this process's own; of none, nothing counts.
        """
        sums = self.sums.setdefault(split, {})
        kind = _kind(next(iter(terms.values())).device)
        values = torch.stack([t.sum(dtype=kind) if t.ndim else t.to(kind) * examples for t in terms.values()])
        if not sums:
            sums.update(names=list(terms), values=torch.zeros_like(values), examples=0)
        if examples:
            sums["values"] = sums["values"] + values
            sums["examples"] += examples

    def means(self, split: str) -> dict[str, float]:
        """Over all examples of all processes since they were last asked for; none where there was nothing to add."""
        sums = self.sums.pop(split, {})
        if not sums:
            return {}
        totals = torch.cat([sums["values"], sums["values"].new_tensor([float(sums["examples"])])])
        if several_processes():
            distributed.all_reduce(totals)
        return dict(zip(sums["names"], (totals[:-1] / totals[-1]).tolist(), strict=True))

    def state(self, split: str) -> list[dict[str, Any]]:
        """The sums so far of every process, in plain containers."""
        sums = self.sums.get(split, {})
        mine = dict(sums, values=sums["values"].tolist()) if sums else {}
        ranks: list[Any] = [mine]
        if several_processes():
            ranks *= distributed.get_world_size()
            distributed.all_gather_object(ranks, mine)
        return ranks

    def load_state(self, split: str, ranks: list[dict[str, Any]], rank: int, device: torch.device) -> None:
        """Goes on from what `state` gave."""
        sums = ranks[rank] if rank < len(ranks) else {}
        if sums:
            sums = dict(sums, values=torch.tensor(sums["values"], dtype=_kind(device), device=device))
        self.sums[split] = sums


def _kind(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64
