"""A whole experiment, tried in a fraction of a second."""

from __future__ import annotations

__all__ = ["check_composition"]

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import torch

from lvm_experiments.configuration import instantiate
from lvm_experiments.data import Data, TrainingExamples
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation import Evaluation
from lvm_experiments.measure import measure_splits
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.models.support import check_support
from lvm_experiments.objectives import Objective, Progress
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.model import check_model, with_missing
from lvm_experiments.testing.promises import require, seeded

_STEPS, _BATCH, _ASKED = 2, 12, 5


def check_composition(config: Mapping[str, Any], data: Data) -> str | None:
    """Two training steps with finite gradients for every parameter, evaluation, sampling, saving, loading.

    In between the model is held to its contract, `check_model`.

    Arguments:
        config: A composed configuration, of which `observation`, `model` and `objective` are taken.
        data: What to try it on.

    Returns:
        None where all of it works; the one sentence it is refused in otherwise.

    Raises:
        AssertionError: With the promise that is not kept.
    """
    allow = config.get("allow_targets", [])

    def build(key: str) -> Any:
        return instantiate(config[key], key, allow)

    with seeded():
        try:
            observation: ObservationMap = build("observation")(data.spec)
            model: LatentVariableModel = build("model")(observation.spec)
            objective: Objective = build("objective")
            objective.bind(model)
            objective.check(model)
            examples = TrainingExamples(data.train, observation, seed=0)
            check_support(model, examples(), "data")
            model.prepare(examples)
            fitted = model.fit(examples)
        except RequestError as refusal:
            require("\n" not in str(refusal), f"a refusal is one line: {refusal}")
            return str(refusal)
        if not fitted:
            _learns(model, objective, observation, data)
        check_model(model, observe(observation, data.test.take(torch.arange(_ASKED)), seed=0))
        numbers = _measured(model, observation, data)
        _is_sampled(model, observation)
        stored = io.BytesIO()
        torch.save(model.state_dict(), stored)
        stored.seek(0)
        spec = DataSpec.from_json(json.loads(json.dumps(data.spec.to_json())))
        observation = build("observation")(spec)
        twin: LatentVariableModel = build("model")(observation.spec)
        twin.load_state_dict(torch.load(stored, weights_only=True))
        require(_measured(twin, observation, data) == numbers, "saved and loaded, it gives the same numbers")
    return None


def _learns(model: LatentVariableModel, objective: Objective, observation: ObservationMap, data: Data) -> None:
    groups = objective.groups(model)
    optimizers = {name: torch.optim.Adam(parameters, 1e-3) for name, parameters in groups.items()}
    names = {id(p): name for part in (model, objective) for name, p in part.named_parameters()}
    owned = [id(p) for parameters in groups.values() for p in parameters]
    require(set(names) == set(owned) and len(owned) == len(names), "every parameter is in one group")
    for step in range(_STEPS):
        rows = torch.arange(_BATCH) + step * _BATCH
        batch = observe(observation, data.train.take(rows))
        # Of the last batch something is missing.
        batch = with_missing(batch, model.likelihood) if step == _STEPS - 1 else batch
        losses = objective(model, batch, Progress(step, 0, _STEPS, 1)).loss
        require(losses.keys() == groups.keys(), "there is a loss for each group")
        for name, optimizer in optimizers.items():
            optimizer.zero_grad()
            require(bool(torch.isfinite(losses[name])), f"the loss of {name} is finite at step {step}")
            losses[name].backward(inputs=groups[name], retain_graph=True)
            for p in groups[name]:
                require(p.grad is not None, f"the loss of {name} reaches {names[id(p)]}")
                assert p.grad is not None
                require(bool(torch.isfinite(p.grad).all()), f"the gradient of {names[id(p)]} is finite")
        for optimizer in optimizers.values():
            optimizer.step()


def _measured(model: LatentVariableModel, observation: ObservationMap, data: Data) -> dict[str, float]:
    evaluation = Evaluation(num_samples=3, max_examples=6, splits=["test"], batch_size=4, chunk=2)
    measurements, _ = measure_splits(evaluation, model, observation, data, evaluation.splits)
    numbers = {m.name: m.value for m in measurements}
    require({"test/elbo", "test/nll"} <= numbers.keys(), "the evidence is measured")
    wrong = [name for name, value in numbers.items() if not math.isfinite(value)]
    require(not wrong, f"what is measured is finite, {', '.join(wrong)} too")
    return numbers


def _is_sampled(model: LatentVariableModel, observation: ObservationMap) -> None:
    model.eval()
    for mean in (False, True):
        x = observation.inverse(model.sample(3, mean=mean))
        require(x.shape == (3, *observation.source.shape), "samples have the shape of the data")
        require(bool(torch.isfinite(x.double()).all()), "samples are finite")
