"""One experiment, as the order of events: seed, data, model, trainer, fit, evaluate, record."""

from __future__ import annotations

__all__ = ["run"]

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import distributed
from torch._functorch import config as functorch
from torch.multiprocessing import ProcessRaisedException

from lvm_experiments.callbacks import Monitor, build_callbacks
from lvm_experiments.configuration import instantiate
from lvm_experiments.data import Data, DataSet, Loaders, TrainingExamples
from lvm_experiments.errors import Interrupted, RequestError, RunError, nearest
from lvm_experiments.evaluation import Evaluation, metric_of
from lvm_experiments.loggers import build_loggers, close_loggers, log_examples, log_figures, log_results
from lvm_experiments.measure import measure_splits
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.models.support import check_support
from lvm_experiments.module import VALIDATION_METRICS, ExperimentModule
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.objectives import Objective
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.plots import EXAMPLES, Illustration, example_pairs, save_figures, texts
from lvm_experiments.processes import several_processes
from lvm_experiments.reports.table import show_results
from lvm_experiments.runs.files import atomic_write, write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.history import History
from lvm_experiments.runs.load import load_parameters
from lvm_experiments.runs.rank import is_rank_zero
from lvm_experiments.runs.results import write_examples, write_results
from lvm_experiments.runs.rewind import rewind
from lvm_experiments.runs.status import Status, outcome
from lvm_experiments.terminal import EvaluationBar, logged

log = logging.getLogger(__name__)


def run(config: dict[str, Any], folder: RunFolder) -> dict[str, float]:
    """Runs what a configuration says, and writes all of it into the run folder.

    Arguments:
        config: The whole resolved configuration, plain containers.
        folder: The run's folder, with the configuration in it.

    Returns:
        The final numbers by name.

    Raises:
        RequestError: For a wrong request, before training.
        RunError: For a run that failed.
        Interrupted: For a run that was told to stop, and has saved what it had.
    """
    with Status(folder), logged(folder):
        return _run(config, folder)


def _run(config: dict[str, Any], folder: RunFolder) -> dict[str, float]:
    allow = config["allow_targets"]

    def build(key: str) -> Any:
        return instantiate(config[key], key, allow)

    _check_device(config["trainer"])
    _check_amounts(config["trainer"])
    try:
        pl.seed_everything(config["seed"], workers=True, verbose=False)
    except ValueError as cause:
        raise RequestError(str(cause), where="seed") from cause
    dataset: DataSet = build("data")
    data = dataset.load()
    observation: ObservationMap = build("observation")(data.spec)
    model: LatentVariableModel = build("model")(observation.spec)
    objective: Objective = build("objective")
    evaluation: Evaluation = build("evaluation")
    monitor = _monitor(config["monitor"] or objective.monitor)
    objective.bind(model)
    objective.check(model)
    for name in evaluation.splits:
        data.split(name)  # is there, or says so before training
    _check_support(model, observation, data)
    trainer_config = dict(config["trainer"])
    if not folder.last.exists():
        examples = TrainingExamples(data.train, observation, config["seed"])
        model.prepare(examples)
        if model.fit(examples):
            trainer_config["max_epochs"] = 0
        if config["ckpt_path"] is not None:
            load_parameters(model, Path(config["ckpt_path"]).expanduser())
    if config["compile"]:
        _compile(model)

    groups = len(objective.groups(model))
    loaders = Loaders(data, dataset, config["seed"])
    for key in ("limit_train_batches", "overfit_batches"):
        if isinstance(share := trainer_config.get(key), float) and share > 0:
            # The loader ends the epoch there, and Lightning would take the same share of what is left.
            trainer_config[key] = loaders.batches(share)
    # Lightning clips and accumulates only what it steps itself.
    clip: dict[str, Any] = {}
    if groups > 1:
        for key in ("max_steps", "min_steps"):
            if (trainer_config.get(key) or 0) > 0:
                trainer_config[key] *= groups  # Lightning counts the steps of every optimiser
        clip = {key: trainer_config.pop(key, None) for key in ("gradient_clip_val", "gradient_clip_algorithm")}
        if trainer_config.get("accumulate_grad_batches", 1) != 1:
            raise RequestError(
                "gradients of an objective with several parameter groups cannot be accumulated",
                where="trainer.accumulate_grad_batches",
                hint="leave it at 1",
            )
    module = ExperimentModule(
        model,
        objective,
        observation,
        build("optimizer"),
        build("scheduler"),
        loaders=loaders,
        monitor=monitor.name,
        seed=config["seed"],
        validation_seed=evaluation.seed,
        **clip,
    )
    module.check_optimizer(endless=_endless(trainer_config))
    if is_rank_zero():
        write_json(folder.spec, data.spec.to_json())
    # A folder that a run was started in before goes on from its last checkpoint; a new one has none.
    checkpoint = rewind(folder)
    loggers = build_loggers(build("logger"), folder, config)
    exit_code = 0
    try:
        trainer: pl.Trainer = instantiate({**trainer_config, "_partial_": True}, "trainer", allow)(
            logger=loggers,
            callbacks=build_callbacks(build("callbacks"), folder, monitor),
            default_root_dir=str(folder.path),
        )
        _fit(trainer, module, checkpoint, config["matmul_precision"])
        if trainer.checkpoint_callbacks and not folder.best.exists():
            # There was no training: of no epochs, or of no batches.
            trainer.save_checkpoint(folder.best, weights_only=False)
        results = _evaluate(trainer, module, folder, data, evaluation, loggers, monitor)
        if several_processes():
            # Left to the interpreter, its threads may end the process with a complaint.
            distributed.destroy_process_group()
    except BaseException as error:
        exit_code = outcome(error)[1]
        raise
    finally:
        close_loggers(loggers, exit_code)
    return results


def _check_device(trainer: dict[str, Any]) -> None:
    """Refuses a machine that is not there, and numbers too coarse, before data are read for it."""
    there = {"gpu": torch.cuda.is_available() or torch.backends.mps.is_available()}
    there |= {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(trainer.get("accelerator", "auto"), True):
        raise RequestError(
            f"there is no {trainer['accelerator']} here",
            where="trainer.accelerator",
            hint="choose trainer=cpu or trainer=auto",
        )
    if trainer.get("precision") in ("16-true", "bf16-true"):
        raise RequestError(
            "probabilities need more than 16 bits",
            where="trainer.precision",
            hint="choose 16-mixed or bf16-mixed, which keep them in 32",
        )


def _check_amounts(trainer: dict[str, Any]) -> None:
    """Refuses what Lightning takes and makes something else of, or refuses in the words of its own arguments."""
    for key in ("train", "val", "test", "predict"):
        _check_batches(f"limit_{key}_batches", trainer)
    _check_batches("overfit_batches", trainer)
    for key in ("accumulate_grad_batches", "check_val_every_n_epoch"):
        if trainer.get(key) == 0:
            raise RequestError("0 is not greater than 0", where=f"trainer.{key}")
    clip = trainer.get("gradient_clip_val")
    if clip is not None and not clip >= 0:
        raise RequestError(
            f"gradients cannot be clipped to {clip}", where="trainer.gradient_clip_val", hint="null does not clip"
        )


def _check_batches(key: str, trainer: dict[str, Any]) -> None:
    value = trainer.get(key)
    if isinstance(value, int | float) and not 0 <= value <= (1 if isinstance(value, float) else value):
        raise RequestError(
            f"{value} is neither a share of an epoch, from 0.0 to 1.0, nor a number of batches", where=f"trainer.{key}"
        )


def _endless(trainer: dict[str, Any]) -> bool:
    """Whether only a clock, or a signal, will end training."""
    epochs, steps = trainer.get("max_epochs"), trainer.get("max_steps", -1)
    # With no limit at all, Lightning takes 1000 epochs.
    unlimited = epochs == -1 or (epochs is None and trainer.get("max_time") is not None)
    return unlimited and steps == -1 and not trainer.get("fast_dev_run")


def _monitor(name: str) -> Monitor:
    """What judges a run: one of the metrics that are measured after every epoch, with a direction."""
    judging = [metric for metric in VALIDATION_METRICS if metric_of(metric).higher_is_better is not None]
    if name in judging:
        return Monitor(name)
    near = nearest(name.rpartition("/")[2], [metric.rpartition("/")[2] for metric in judging])
    measured = name in VALIDATION_METRICS
    raise RequestError(
        f"neither a high nor a low {name} is better" if measured else f"{name} is not measured after every epoch",
        where="monitor",
        hint=f"did you mean val/{near}?" if near and not measured else f"there are {', '.join(judging)}",
    )


def _check_support(model: LatentVariableModel, observation: ObservationMap, data: Data) -> None:
    """Refuses data the likelihood gives no density to, on the first examples of each split; evaluation looks at all."""
    for name in ("train", "val", "test"):
        split = data.split(name)
        batch = observe(observation, split.take(torch.arange(min(100, len(split)))), seed=0)
        check_support(model, batch, f"data ({name})")


def _compile(model: LatentVariableModel) -> None:
    # In place, so that parameters keep their names in checkpoints.
    for part in model.modules():
        if isinstance(part, Encoder | Decoder):
            part.compile()


def _fit(trainer: pl.Trainer, module: ExperimentModule, checkpoint: Path | None, precision: str) -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    # A backward for each group leaves the graph to the next, and compiled networks may not use its buffers again.
    several = functorch.patch(donated_buffer=False) if len(module.groups) > 1 else nullcontext()
    try:
        with several:
            trainer.fit(module, ckpt_path=checkpoint, weights_only=True)
    except MisconfigurationException as error:
        raise RequestError(str(error), where="trainer") from error
    except ProcessRaisedException as error:
        raise _in_its_own_words(error) from error
    finally:
        torch.set_float32_matmul_precision(before)
    trainer.strategy.barrier()


def _in_its_own_words(error: ProcessRaisedException) -> Exception:
    """What a forked process raised, of which there is only the text of the traceback."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    kind, _, text = lines[-1].partition(": ")
    match kind.rpartition(".")[2]:
        case "RequestError":
            return RequestError(text)
        case "RunError":
            return RunError(text)
        case "Interrupted":
            return Interrupted(int(text.split()[-1]))
    return RunError(lines[-1], where="a process of the run", hint="its traceback is in traceback.txt")


def _evaluate(
    trainer: pl.Trainer,
    module: ExperimentModule,
    folder: RunFolder,
    data: Data,
    evaluation: Evaluation,
    loggers: list[Any],
    monitor: Monitor,
) -> dict[str, float]:
    """The best checkpoint, measured and shown."""
    model, observation = module.model, module.observation
    if folder.best.exists():
        load_parameters(model, folder.best)
    # Whatever the precision of training: in that of a model that is loaded.
    model.to(trainer.strategy.root_device, torch.get_default_dtype())
    with EvaluationBar() as bar:
        measurements, examples = measure_splits(
            evaluation, model, observation, data, evaluation.splits, report_progress=bar.update
        )
    results = {m.name: m.value for m in measurements}
    if is_rank_zero():
        write_results(folder.results, measurements, _facts(module, monitor, data))
        write_examples(folder.examples, {n: v for n, v in examples.items() if not n.endswith("latent_mean")})
        # Under a name of its own: the history of `val/` is of every epoch's model, and of other draws.
        log_results(loggers, {name.replace("val/", "best/", 1): v for name, v in results.items()}, module.updates)
        shown = _illustration(module, data, examples, folder, monitor, evaluation)
        gallery = save_figures(shown, folder.figures)
        for name, text in texts(shown).items():
            atomic_write(folder.figures / f"{name}.txt", text)
        if gallery.warning:
            log.warning(gallery.warning)
        log_figures(loggers, gallery.paths)
        log_examples(loggers, lambda: example_pairs(shown, examples))
        show_results(measurements, folder)
    return results


def _illustration(
    module: ExperimentModule,
    data: Data,
    examples: dict[str, np.ndarray],
    folder: RunFolder,
    monitor: Monitor,
    evaluation: Evaluation,
) -> Illustration:
    """What to show the model with: the same examples for every run on the same data."""
    split = "test" if "test/latent_mean" in examples else evaluation.splits[0]
    rows = torch.from_numpy(examples[f"{split}/index"])
    label = data.split(split).take(rows).label if data.spec.classes else None
    return Illustration(
        module.model,
        module.observation,
        data.split(split).take(torch.arange(min(EXAMPLES, len(data.split(split))))),
        split=split,
        latent_mean=examples[f"{split}/latent_mean"],
        label=label,
        history=History(folder.metrics).rows(),
        monitor=monitor.name,
        run=folder.read_config()["name"],
        seed=evaluation.seed,
    )


def _facts(module: ExperimentModule, monitor: Monitor, data: Data) -> dict[str, Any]:
    model = module.model
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "latent_dim": getattr(model, "latent_dim", None),
        "monitor": monitor.name,
        "updates": module.updates,
        "training_examples": len(data.train),
    }
