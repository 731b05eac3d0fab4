"""The training of a small module on a few digits."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.data import DataSet, Digits, Loaders
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, LatentVariableModel
from lvm_experiments.module import ExperimentModule
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import Losses, Objective, Progress
from lvm_experiments.observations import BinariseStatic
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior

SGD = partial(torch.optim.SGD, lr=0.01)
STILL = partial(torch.optim.SGD, lr=0.0)


def digits(limit: int = 110) -> DataSet:
    return Digits(None, 50, 60, 60, limit)


def make(objective: Objective, optimizer: Any = SGD, scheduler: Any = None, **more: Any) -> ExperimentModule:
    """The module of a small run. 110 examples in batches of 50: 50, 50 and 10."""
    dataset = more.pop("dataset", digits())
    data = dataset.load()
    torch.manual_seed(2)
    observation = BinariseStatic(data.spec)
    parts = (partial(MLPEncoder, hidden=[8]), DiagonalNormalPosterior, StandardNormalPrior)
    model = VAE(observation.spec, 3, *parts, partial(MLPDecoder, hidden=[8]), BernoulliLikelihood)
    given = {"monitor": objective.monitor, "seed": 0, "loaders": Loaders(data, dataset, 0), **more}
    return ExperimentModule(model, objective, observation, optimizer, scheduler, **given)


def fit(module: ExperimentModule, *callbacks: Callback, epochs: int = 1, **trainer: Any) -> pl.Trainer:
    options: dict[str, Any] = {
        "accelerator": "cpu",
        "max_epochs": epochs,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "use_distributed_sampler": False,
        "callbacks": list(callbacks),
    }
    fitter = pl.Trainer(**{**options, **trainer})
    fitter.fit(module)
    return fitter


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: x.clone() for name, x in module.state_dict().items() if isinstance(x, Tensor)}


class Watch(Objective):
    """An objective that notes what it is given; its term is the number of the example."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Batch] = []
        self.progress: list[Progress] = []

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        self.seen.append(batch)
        self.progress.append(progress)
        assert batch.index is not None
        loss = sum(p.square().sum() for p in model.parameters())
        return Losses({"model": loss}, {"elbo": batch.index.double()})


def validated(module: ExperimentModule, **options: Any) -> dict[str, float]:
    return {name: float(x) for name, x in fit(module, **options).callback_metrics.items() if name.startswith("val/")}


def norm_of_change(before: dict[str, Tensor], after: dict[str, Tensor], prefix: str) -> float:
    change = [(after[name] - x).flatten() for name, x in before.items() if name.startswith(prefix)]
    return float(torch.cat(change).norm())
