"""A trained model, back from its run folder."""

from __future__ import annotations

__all__ = ["TrainedModel", "best_device", "load", "load_parameters", "read_spec"]

import dataclasses
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.configuration import instantiate
from lvm_experiments.configuration.targets import refuse_foreign
from lvm_experiments.data.check import fault
from lvm_experiments.errors import RequestError
from lvm_experiments.models import Evidence, LatentVariableModel
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from lvm_experiments.runs.files import read_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.spec import DataSpec, as_floating

_DRAWS = 50  # at a time, where a mean is taken over many


class TrainedModel:
    """A model with the observation map it was trained through: data in their own values go in and come out.

    Observations are tensors or numpy arrays of numbers, or a `Batch` with more than those.

    Arguments:
        model: The model, in the likelihood's space.
        observation: The map to that space.
        config: The run's configuration.
        folder: The run's folder.
    """

    def __init__(
        self, model: LatentVariableModel, observation: ObservationMap, config: dict[str, Any], folder: RunFolder
    ) -> None:
        self.model, self.observation, self.config, self.folder = model, observation, config, folder

    @property
    def spec(self) -> DataSpec:
        """What is known of the data, in their own space."""
        return self.observation.source

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next((p.device for p in self.model.parameters()), torch.device("cpu"))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        mean: bool = False,
        condition: Tensor | np.ndarray | None = None,
        label: int | None = None,
    ) -> Tensor:
        """Draws of x in the data's own values, shape `(n, *shape)`, or `(n, B, *shape)` with conditions.

        Arguments:
            n: How many.
            seed: Of the draws; the caller's random numbers are left alone.
            mean: Whether to return E[x|z] of the drawn z, of categories the most probable one, in place of draws.
            condition: What to condition on, shape `(B, C)`.
            label: The class that all of them are to be of, where the model knows of classes.

        Raises:
            RequestError: For a label where there are none, or that is none.
        """
        if n < 0:
            raise RequestError(f"there are no {n} draws", where="n")
        if condition is not None:
            condition = _tensor(condition, "condition").to(self.device)
            self._check_condition(Batch(None, condition=condition))
        given: dict[str, Tensor] = {}
        if label is not None:
            try:
                condition, given = self.model.of_label(label)
            except ValueError as cause:
                raise RequestError(str(cause), where="label", hint="model=cvae and model=m2 know of labels") from cause
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            x = self.model.sample(n, condition, mean=mean, given=given)
            return self.observation.inverse(x if label is None or condition is None else x[:, 0], rounded=not mean)

    def observe(self, x: Batch | Tensor | np.ndarray, *, seed: int = 0) -> Batch:
        """Data in their own values to a batch in the likelihood's space; the map's noise is keyed by example.

        Raises:
            RequestError: For another shape, or values that the data cannot have.
        """
        batch = _batch(x).to(self.device)
        if batch.x is None:
            raise RequestError("there are no observations", where="x")
        if found := _misfit(batch):
            raise RequestError(found, where="x", hint="the first axis counts examples")
        # Now: a map would make something of any value, and a sum over cells something of any shape.
        if found := fault(batch.x, self.spec, batch.observed):
            raise RequestError(found, where="x", hint=_hint(batch, self.spec))
        if batch.label is not None and not ((batch.label >= -1) & (batch.label < self.spec.classes)).all():
            raise RequestError(f"labels that are none of {self.spec.classes} classes", where="label")
        self._check_condition(batch)
        if batch.index is None:
            batch = batch.replace(index=torch.arange(len(batch), device=self.device))
        return observe(self.observation, batch, seed)

    def _check_condition(self, batch: Batch) -> None:
        """Refuses examples without the conditions or labels that the model needs, and others than it has."""
        try:
            condition = self.model.condition_of(batch)
        except ValueError as cause:
            raise RequestError(
                str(cause), where="x", hint="give a Batch, with the conditions or labels beside x"
            ) from cause
        wanted = self.model.spec.condition
        if condition is not None and (condition.ndim != 2 or condition.shape[1] != wanted):
            found = f"conditions of shape {tuple(condition.shape)}"
            raise RequestError(
                f"{found} where {f'(B, {wanted}) was expected' if wanted else 'the model takes none'}",
                where="condition",
            )

    def encode(self, x: Batch | Tensor | np.ndarray, *, seed: int = 0) -> dict[str, Tensor]:
        """Posterior means, shape `(B, *event)` each."""
        return self.model.encode(self.observe(x, seed=seed))

    def reconstruct(self, x: Batch | Tensor | np.ndarray, *, seed: int = 0) -> Tensor:
        """E[x|z], of categories the mode, at the z that stands for the posterior, in the data's own values."""
        return self.observation.inverse(self.model.reconstruct(self.observe(x, seed=seed)), rounded=False)

    def evidence(self, x: Batch | Tensor | np.ndarray, num_samples: int = 100, *, seed: int = 0) -> Evidence:
        """log p(x) in the likelihood's space, with its error; `observation.log_det()` turns it into the data's own.

        Raises:
            RequestError: For observations outside the support, or no draws.
        """
        if num_samples < 1:
            raise RequestError(f"{num_samples} draws estimate nothing", where="num_samples")
        batch = self.observe(x, seed=seed)
        assert batch.x is not None
        try:
            self.model.likelihood.check(batch.x, batch.observed)
        except ValueError as cause:
            raise RequestError(str(cause), where="x") from cause
        return self.model.evidence(batch, num_samples, seed=seed)

    def impute(self, x: Batch | Tensor | np.ndarray, num_samples: int = 1000, *, seed: int = 0) -> Tensor:
        """The data with their missing cells filled in by their mean given the others, shape `(B, *shape)`.

        Arguments:
            x: Data in their own values; a mask says which cells were observed, or NaN stands in the others.
            num_samples: How many draws the mean is estimated from.
            seed: Of the draws, keyed by example.

        Raises:
            RequestError: For observations outside the support, no draws, or a likelihood that knows no means.
        """
        if num_samples < 1:
            raise RequestError(f"{num_samples} draws estimate nothing", where="num_samples")
        raw = _batch(x).to(self.device)
        if raw.x is not None and raw.mask is None and raw.x.is_floating_point() and bool(raw.x.isnan().any()):
            raw = raw.replace(mask=~raw.x.isnan())
        batch = self.observe(raw, seed=seed)
        assert raw.x is not None
        if batch.observed is None:
            return raw.x
        try:
            found = self.model.impute(batch, num_samples, chunk=_DRAWS, seed=seed)
        except ValueError as cause:
            raise RequestError(str(cause), where="x") from cause
        guess = self.observation.inverse(found, rounded=False)
        return torch.where(batch.observed, raw.x.to(guess), guess)


def _batch(x: Batch | Tensor | np.ndarray) -> Batch:
    if not isinstance(x, Batch):
        x = Batch(x)  # type: ignore[arg-type] # in the next moment it is
    given = {field.name: getattr(x, field.name) for field in dataclasses.fields(x)}
    batch = Batch(**{name: None if value is None else _tensor(value, name) for name, value in given.items()})
    # Masks are true and false, whatever they are made of.
    batch = batch.replace(**{k: None if (m := getattr(batch, k)) is None else m.bool() for k in ("mask", "hidden")})
    # What is true or false is 0 or 1, as data are.
    return batch.replace(x=batch.x.byte()) if batch.x is not None and batch.x.dtype == torch.bool else batch


def _tensor(value: Any, where: str) -> Tensor:
    """Numbers as a tensor; floating ones of the type that models are built of."""
    if not isinstance(value, Tensor):
        try:
            array = np.asarray(value)
        except ValueError as cause:
            raise RequestError("rows of different lengths", where=where) from cause
        if array.dtype.kind not in "biuf":
            raise RequestError(f"{array.dtype} where numbers were expected", where=where)
        # Of the types that torch has arithmetic for.
        value = torch.from_numpy(array.astype({"b": np.bool_, "f": np.float64}.get(array.dtype.kind, np.int64)))
    return as_floating(value) if value.is_floating_point() else value


def _misfit(batch: Batch) -> str:
    """What stands beside the observations and is not of as many examples, or cells; empty where all is."""
    assert batch.x is not None
    for field in dataclasses.fields(batch):
        value = getattr(batch, field.name)
        if value is not None and value.shape[:1] != batch.x.shape[:1]:
            return f"{field.name} of shape {tuple(value.shape)} beside x of shape {tuple(batch.x.shape)}"
    for name, mask in (("mask", batch.mask), ("hidden", batch.hidden)):
        cells = () if mask is None else mask.shape
        # Broadcasting is from the last axis on, and may not add to x.
        if not all(m in (1, n) for m, n in zip(cells[::-1], batch.x.shape[::-1], strict=False)):
            return f"{name} of shape {tuple(cells)} beside x of shape {tuple(batch.x.shape)}"
    return ""


def _hint(batch: Batch, spec: DataSpec) -> str:
    assert batch.x is not None
    if tuple(batch.x.shape[1:]) != spec.shape:
        return "the first axis counts examples"
    masked = batch.observed is not None or bool(torch.isfinite(batch.x).all())
    return "" if masked else "a mask says which cells are missing"


def load(
    run_dir: str | PathLike[str] | RunFolder,
    *,
    checkpoint: str = "best",
    device: str | torch.device = "cpu",
    allow_targets: Sequence[str] = (),
) -> TrainedModel:
    """The trained model of a run, from its folder alone.

    No data set is read, and nothing a folder names is executed but parts of this package.

    Arguments:
        run_dir: The run's folder.
        checkpoint: `best` or `last`.
        device: Where to put it.
        allow_targets: Modules of your own whose classes its configuration may name.

    Raises:
        RequestError: For a folder that is no run's, names what is not allowed, or holds a checkpoint that does not fit.
    """
    folder = run_dir if isinstance(run_dir, RunFolder) else RunFolder(run_dir)
    config = folder.read_config()
    for key in ("model", "observation"):
        if not isinstance(config.get(key), dict):
            raise RequestError(f"has no {key}", where=str(folder.config), hint="give the folder of a run")
    refuse_foreign({key: value for key, value in config.items() if key != "hydra"}, allow=allow_targets)
    observation = instantiate(config["observation"], "observation", allow_targets)(read_spec(folder))
    model = instantiate(config["model"], "model", allow_targets)(observation.spec)
    if checkpoint not in ("best", "last"):
        raise RequestError(f"no checkpoint is called {checkpoint!r}", where="checkpoint", hint="choose best or last")
    path = folder.best if checkpoint == "best" else folder.last
    load_parameters(model, path)
    return TrainedModel(model.to(device).eval(), observation, config, folder)


def best_device(name: str) -> torch.device:
    """The device of that name; `auto` is the best there is.

    Raises:
        RequestError: Where it is not there.
    """
    if name == "auto":
        kinds = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        name = next((kind for kind, there in kinds.items() if there), "cpu")
    try:
        device = torch.device("cuda" if name == "gpu" else name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as cause:
        raise RequestError(f"there is no device {name!r} here", where="device", hint="choose cpu or auto") from cause
    return device


def read_spec(folder: RunFolder) -> DataSpec:
    """What the run's model had to know of the data.

    Raises:
        RequestError: Where the file is missing or is something else.
    """
    try:
        return DataSpec.from_json(read_json(folder.spec))
    except (TypeError, KeyError, ValueError, RuntimeError) as cause:
        raise RequestError("does not describe data", where=str(folder.spec)) from cause


def load_parameters(model: LatentVariableModel, path: Path) -> None:
    """Puts a checkpoint's parameters into a model.

    Raises:
        RequestError: Where they are another model's; names the first that does not fit.
    """
    parameters = read_checkpoint(path).get("state_dict")
    if not isinstance(parameters, dict):
        raise RequestError("is no checkpoint of a run", where=str(path))
    found = {k.removeprefix("model."): v for k, v in parameters.items() if k.startswith("model.")}
    wanted = model.state_dict()
    hint = "it belongs to another model; give the checkpoint of one with the same parts and sizes"
    for name in sorted(wanted.keys() ^ found.keys()):
        side = "lacks" if name in wanted else "holds, and this model does not have,"
        raise RequestError(f"{side} the parameter {name}", where=str(path), hint=hint)
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            sizes = f"{tuple(found[name].shape)}, and this model's {tuple(tensor.shape)}"
            raise RequestError(f"its parameter {name} has shape {sizes}", where=str(path), hint=hint)
    model.load_state_dict(found)
