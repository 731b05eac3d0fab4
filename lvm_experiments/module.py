"""The LightningModule: a thin shell, nothing probabilistic in it."""

from __future__ import annotations

__all__ = ["VALIDATION_METRICS", "ExperimentModule"]

import inspect
import logging
import math
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, distributed
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from lvm_experiments.accounts import Accounts
from lvm_experiments.batch import Batch
from lvm_experiments.data import IndexLoader, Loaders
from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.evaluation import metric_of
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.networks.base import Network
from lvm_experiments.noise import keyed_noise, seed_step
from lvm_experiments.objectives import Losses, Objective, Progress
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.processes import several_processes

log = logging.getLogger(__name__)

VALIDATION_METRICS = ("val/elbo", "val/iw_elbo", "val/rate", "val/distortion")
_HALF = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
_CHECK_EVERY = 50  # steps between two looks at a GPU's losses; a look waits for the device


class ExperimentModule(pl.LightningModule):
    """Runs an objective over batches and keeps account.

    Everything that must survive a killed process is in the checkpoint: the number of batches, from which the
    noise of the next one follows, that of updates, and the sums of the epoch so far.

    Arguments:
        model: The model.
        objective: What to minimise.
        observation: The map from raw data to the likelihood's space.
        optimizer: `optimizer(parameters)`.
        scheduler: `scheduler(optimizer)`, stepped once an epoch; None for a constant learning rate.
        loaders: Of training and validation batches.
        monitor: The validation metric that schedulers watch.
        seed: Of the training noise.
        validation_seed: Of the validation noise, keyed by example: the same in every epoch.
        gradient_clip_val: What to clip each group's gradient to, where the objective has several groups.
        gradient_clip_algorithm: By `norm` or by `value`.
    """

    def __init__(
        self,
        model: LatentVariableModel,
        objective: Objective,
        observation: ObservationMap,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[[Optimizer], Any] | None,
        *,
        loaders: Loaders,
        monitor: str,
        seed: int,
        validation_seed: int = 0,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        super().__init__()
        self.model, self.objective, self.observation = model, objective, observation
        self.optimizer, self.scheduler, self.monitor = optimizer, scheduler, monitor
        self.loaders = loaders
        self.seed, self.validation_seed = seed, validation_seed
        self.clip, self.clip_by = gradient_clip_val, gradient_clip_algorithm or "norm"
        self.groups = list(objective.groups(model))
        self.automatic_optimization = len(self.groups) == 1
        self.batches = 0  # seen in training
        self.updates = self._validated = 0  # of the parameters: fewer where gradients of several batches are added up
        self.accounts = Accounts()
        self.bad_step: Tensor | None = None
        # A lookup of the loader at every step goes through a property of the Trainer.
        self._loader: IndexLoader | None = None

    # ---- training

    def on_fit_start(self) -> None:
        self.bad_step = torch.full((), -1, dtype=torch.int64, device=self.device)
        self._compute_in(_HALF.get(self.trainer.precision))
        wrapped = self.trainer.model
        if isinstance(wrapped, DistributedDataParallel) and not self.automatic_optimization:
            # It would wait for gradients that belong to other groups; each group's are averaged by hand.
            wrapped.require_backward_grad_sync = False

    def on_fit_end(self) -> None:
        self._compute_in(None)

    def _compute_in(self, half: torch.dtype | None) -> None:
        for part in self.modules():
            if isinstance(part, Network):
                part.mixed = half

    def on_train_start(self) -> None:
        self._loader = self.trainer.train_dataloader
        for text in (*_cares(self.model), *self.objective.warnings(self.progress())):
            if self.global_rank == 0:
                log.warning(text)

    def on_train_epoch_start(self) -> None:
        self._loader = self.trainer.train_dataloader

    def progress(self) -> Progress:
        """Where training is."""
        epochs, limit = self._length(self._loader) or 0, self._max_updates
        steps = epochs * self._updates_of(self._loader)
        steps = steps if limit < 0 else min(steps, limit)
        return Progress(self.updates, self.trainer.current_epoch, steps, epochs, self._share())

    @property
    def _max_updates(self) -> int:
        """How many updates training has at most; -1 where they are not limited."""
        # Lightning counts the steps of every optimiser.
        return ceil(self.trainer.max_steps / len(self.groups)) if self.trainer.max_steps >= 0 else -1

    def _updates_of(self, loader: IndexLoader | None) -> int:
        """How many updates an epoch has, of which the last may be of fewer batches."""
        accumulated = self.trainer.accumulate_grad_batches
        return ceil(len(loader) / accumulated) if loader is not None else 0

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        seed_step(self.seed, self.batches, self.global_rank, self.device)
        # Lightning would compute all of it in 16 bits, of which only networks can do.
        with torch.autocast(self.device.type, enabled=False):
            progress = self.progress()
            losses = self.objective(self.model, observe(self.observation, batch), progress)
        self._refuse_non_finite(losses)
        self.accounts.add("train", losses.terms | {"loss": _combined(losses)}, self._local_length(batch))
        self.batches += 1
        if self.automatic_optimization:
            (loss,) = losses.loss.values()
            return loss * progress.share
        self._step_groups({name: loss * progress.share for name, loss in losses.loss.items()})
        return None

    def _step_groups(self, losses: dict[str, Tensor]) -> None:
        """One forward, a backward for each group into its own parameters only, then all steps."""
        precision: Any = self.trainer.precision_plugin
        optimizers = dict(zip(self.groups, self.optimizers(), strict=True))
        for name, optimizer in optimizers.items():
            optimizer.zero_grad()
            parameters = _parameters(optimizer)
            # Past the strategy, for DDP would wait for the gradients of the other groups.
            loss = precision.pre_backward(losses[name], self)
            precision.backward(loss, self, None, inputs=parameters, retain_graph=True)
            _average_gradients(parameters)
        # Gradients of 16 bits are scaled until the step; so is what they are clipped to.
        scaler = getattr(precision, "scaler", None)
        taken = scale = 1.0 if scaler is None else scaler.get_scale()
        for optimizer in optimizers.values():
            if scaler is not None and (scale := scaler.get_scale()) != taken:
                # The step before changed it, and these would be divided by what they were not multiplied by.
                for p in _parameters(optimizer):
                    if p.grad is not None:
                        p.grad.mul_(scale / taken)
            if self.clip:
                self.clip_gradients(optimizer, self.clip * scale, self.clip_by)
            optimizer.step()
        self.updates += 1

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """A step of Lightning's, which it leaves out after batches whose gradients wait for those of others."""
        super().optimizer_step(*args, **options)
        self.updates += 1

    def _share(self) -> float:
        """Turns a mean over local rows into this rank's part of the global mean, once ranks are averaged."""
        if self.trainer.world_size == 1 or self._loader is None:
            return 1.0
        position = self._loader.position - 1
        mine, all_of_them = self._loader.local_batch_length(position), self._loader.global_batch_length(position)
        return mine * self.trainer.world_size / all_of_them

    def _local_length(self, batch: Batch) -> int:
        if self.trainer.world_size == 1 or self._loader is None:
            return len(batch)
        return self._loader.local_batch_length(self._loader.position - 1)

    def on_train_epoch_end(self) -> None:
        self._look(self.updates)
        self._report("train")
        if not self.automatic_optimization:
            self._step_schedulers()

    def _step_schedulers(self) -> None:
        schedulers = self.lr_schedulers()
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                value = self.trainer.callback_metrics.get(self.monitor)
                if value is not None and (self.current_epoch + 1) % self._epochs_between_validations == 0:
                    scheduler.step(value)
            elif scheduler is not None:
                scheduler.step()

    # ---- a loss that is no number

    def _refuse_non_finite(self, losses: Losses) -> None:
        assert self.bad_step is not None
        bad = ~torch.isfinite(torch.stack([loss.detach() for loss in losses.loss.values()])).all()
        if self.device.type == "cpu":
            if bool(bad):
                self._stop(self.updates, losses)
            return
        self.bad_step = torch.where(bad & (self.bad_step < 0), self.updates, self.bad_step)
        if self.batches % _CHECK_EVERY == 0:
            self._look(self.updates, losses)

    def _look(self, step: int, losses: Losses | None = None) -> None:
        if self.bad_step is not None and int(self.bad_step) >= 0:
            self._stop(int(self.bad_step), losses)

    def _stop(self, step: int, losses: Losses | None) -> None:
        terms = [] if losses is None else [n for n, t in losses.terms.items() if not bool(torch.isfinite(t).all())]
        names = f" ({', '.join(terms)})" if terms else ""
        epoch = self.trainer.current_epoch
        kept = "the last good epoch's checkpoint is kept; " if epoch else ""
        raise RunError(
            f"the loss{names} is not a finite number at step {step}, epoch {epoch}",
            where="training",
            hint=f"{kept}try a smaller optimizer.lr or trainer.gradient_clip_val=1",
        )

    # ---- validation, always at beta = 1

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        batch = observe(self.observation, batch, self.validation_seed)
        samples = getattr(self.objective, "num_samples", 1)
        assert batch.index is not None
        with torch.autocast(self.device.type, enabled=False):
            with keyed_noise(batch.index, self.validation_seed):
                draw = self.model.draw(batch, samples, differentiable=False)
            distortion = -draw.log_lik.mean(0)
            rate = draw.kl if draw.kl.ndim == 1 else draw.kl.mean(0)
            bound = torch.logsumexp(draw.log_weight, 0) - math.log(samples)
        terms = {"elbo": -(rate + distortion), "iw_elbo": bound, "rate": rate, "distortion": distortion}
        self.accounts.add("val", terms, len(batch))

    def on_train_end(self) -> None:
        left = self.updates - self._validated
        latest = any(getattr(callback, "latest", False) for callback in self.trainer.checkpoint_callbacks)
        if left > 0 and self._validated and not latest and self.global_rank == 0:
            log.warning("the last %d updates were not validated, so best.ckpt knows nothing of them", left)

    def on_validation_epoch_end(self) -> None:
        self._report("val")
        self._validated = self.updates
        value = self.trainer.callback_metrics.get(self.monitor)
        if value is not None and not torch.isfinite(value):
            raise RunError(
                f"{self.monitor} is not a finite number after step {self.updates}",
                where="validation",
                hint="the checkpoint of the last good epoch is kept; a smaller optimizer.lr may help",
            )

    # ---- accounts

    def _report(self, split: str) -> None:
        # Lightning would keep float32; the history should say what was computed.
        means = self.accounts.means(split)
        self.log_dict({f"{split}/{name}": torch.tensor(mean, dtype=torch.float64) for name, mean in means.items()})

    def get_extra_state(self) -> dict[str, Any]:
        # Beside the parameters, which come back from forked processes, too.
        return {"batches": self.batches, "updates": self.updates}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.batches, self.updates = state["batches"], state["updates"]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["sums"] = self.accounts.state("train")

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.accounts.load_state("train", checkpoint["sums"], self.global_rank, self.device)

    # ---- Lightning's wiring

    def train_dataloader(self) -> IndexLoader:
        # Here and not before, because a forked process learns its rank only now.
        trainer = self.trainer
        loader = self.loaders.train(self.global_rank, trainer.world_size, trainer.limit_train_batches, self._overfit)
        every = trainer.val_check_interval
        if isinstance(every, int) and every > len(loader) and trainer.check_val_every_n_epoch is not None:
            raise RequestError(
                f"there are {len(loader)} batches in an epoch and not {every}",
                where="trainer.val_check_interval",
                hint="say trainer.check_val_every_n_epoch=null to count them over epochs",
            )
        return loader

    def val_dataloader(self) -> IndexLoader:
        return self.loaders.val(self.global_rank, self.trainer.world_size, self._overfit)

    @property
    def _overfit(self) -> float | int:
        # Set by Lightning without a declaration.
        return self.trainer.overfit_batches  # type: ignore[attr-defined]

    def check_optimizer(self, *, endless: bool = False) -> None:
        """Builds optimiser and scheduler once for nothing, so that a wrong argument is refused before training.

        Arguments:
            endless: Whether neither epochs nor steps will end training.

        Raises:
            RequestError: For an argument they do not take.
        """
        optimizer = _build(self.optimizer, [torch.nn.Parameter(torch.zeros(1))], fusible=False)
        if self.scheduler is None:
            return
        scheduler = self._scheduled(optimizer, None if endless else 1)
        try:
            # Some arguments are looked at only now.
            optimizer.step()
            scheduler.step(*([0.0] if self._watches else []))
        except ArithmeticError as cause:
            raise RequestError(str(cause), where="scheduler", hint="an argument is out of range") from cause

    def configure_optimizers(self) -> Any:
        groups = self.objective.groups(self.model)
        optimizers = [_build(self.optimizer, parameters, fusible=self._fusible) for parameters in groups.values()]
        if self.scheduler is None:
            return optimizers
        timing: dict[str, Any] = {"interval": "epoch"}
        if self._watches:
            if self.trainer.limit_val_batches == 0:
                raise RequestError(
                    f"it watches {self.monitor}, and nothing is validated",
                    where="scheduler",
                    hint="choose another scheduler= or leave out trainer.limit_val_batches=0",
                )
            if self.automatic_optimization:
                timing |= {"monitor": self.monitor, "frequency": self._epochs_between_validations, "strict": False}
        length = self._length(self.train_dataloader())
        return optimizers, [{"scheduler": self._scheduled(optimizer, length)} | timing for optimizer in optimizers]

    def _length(self, loader: IndexLoader | None) -> int | None:
        """How many epochs training has at most; None where neither they nor steps are limited."""
        epochs, updates = self.trainer.max_epochs, self._max_updates
        limits = [] if epochs is None or epochs < 0 else [epochs]
        if updates >= 0:
            limits.append(ceil(updates / max(1, self._updates_of(loader))))
        return max(1, min(limits)) if limits else None

    @property
    def _watches(self) -> bool:
        return _target(self.scheduler) is torch.optim.lr_scheduler.ReduceLROnPlateau

    @property
    def _epochs_between_validations(self) -> int:
        return self.trainer.check_val_every_n_epoch or 1

    def _scheduled(self, optimizer: Optimizer, epochs: int | None) -> Any:
        assert self.scheduler is not None
        known: dict[str, Any] = {}
        if self._watches:
            known["mode"] = "max" if metric_of(self.monitor).higher_is_better else "min"
        if "epochs" in inspect.signature(_target(self.scheduler)).parameters:
            known["epochs"] = epochs
        try:
            return self.scheduler(optimizer, **known)
        except (TypeError, ValueError) as cause:
            raise RequestError(str(cause), where="scheduler") from cause

    @property
    def _fusible(self) -> bool:
        # In 16 bits a fused step may unscale gradients itself, and then Lightning does not clip them.
        clipped = "mixed" in self.trainer.precision and (self.trainer.gradient_clip_val or self.clip)
        return not clipped and self.device.type in ("cpu", "cuda", "mps")

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device, non_blocking=True)


def _cares(model: torch.nn.Module) -> list[str]:
    """What parts say of themselves that wants care, each sentence once."""
    texts = (f"{type(part).__name__}: {care}" for part in model.modules() if (care := getattr(part, "care", "")))
    return list(dict.fromkeys(texts))


def _parameters(optimizer: Any) -> list[torch.nn.Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _average_gradients(parameters: list[torch.nn.Parameter]) -> None:
    """The mean over all ranks, in one message."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not several_processes() or not gradients:
        return
    together = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(together)
    together /= distributed.get_world_size()
    for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _combined(losses: Losses) -> Tensor:
    return torch.stack([loss.detach() for loss in losses.loss.values()]).sum()


def _target(part: Callable[..., Any] | None) -> Any:
    return part.func if isinstance(part, partial) else part


def _build(optimizer: Callable[..., Optimizer], parameters: list[torch.nn.Parameter], *, fusible: bool) -> Optimizer:
    """The optimizer over its parameters, fused where torch has such a kernel and nothing else was asked for."""
    given = optimizer.keywords if isinstance(optimizer, partial) else {}
    knows = "fused" in inspect.signature(_target(optimizer)).parameters
    extra = {"fused": True} if knows and given.get("fused") is None and fusible else {}
    try:
        return optimizer(parameters, **extra)
    except (TypeError, ValueError) as cause:
        raise RequestError(str(cause), where="optimizer") from cause
