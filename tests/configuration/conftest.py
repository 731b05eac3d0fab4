"""A small tree of configuration files and a package with the classes that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.configuration import ConfigTree

FILES = {
    "config.yaml": """
        defaults:
          - _self_
          - model: small
          - optimizer: adam
          - scheduler: none
          - trainer: cpu
          - callbacks: default
          - paths: default
          - experiment: none
        name: ${hydra:runtime.choices.model}_${run_id:}
        seed: 0
        tags: []
        extra_tags: []
        monitor: null
        ckpt_path: null
        resume: null
        compile: false
        matmul_precision: highest
        allow_targets: [toy_parts]
        hydra:
          run:
            dir: ${paths.root}/${name}
    """,
    "model/small.yaml": """
        defaults:
          - encoder: narrow
          - _self_
        _target_: toy_parts.Model
        _partial_: true
        latent_dim: 2
        rate: 0.5
        names: [a, b]
    """,
    "model/large.yaml": """
        defaults:
          - small
          - override encoder: wide
          - _self_
        latent_dim: 64
    """,
    "model/encoder/narrow.yaml": "{_target_: toy_parts.Encoder, hidden: [8], activation: relu}",
    "model/encoder/wide.yaml": "{_target_: toy_parts.Encoder, hidden: [512], activation: tanh}",
    "optimizer/adam.yaml": "{_target_: torch.optim.Adam, _partial_: true, lr: 1.0e-3}",
    "scheduler/none.yaml": "# @package _global_\nscheduler: null",
    "scheduler/step.yaml": "{_target_: torch.optim.lr_scheduler.StepLR, _partial_: true, step_size: 3}",
    "trainer/cpu.yaml": """
        _target_: pytorch_lightning.Trainer
        accelerator: cpu
        devices: 1
        max_epochs: 3
        precision: 32-true
    """,
    "callbacks/default.yaml": "{stopping: {_target_: toy_parts.Stopping, patience: 3}, summary: null}",
    "paths/default.yaml": "{root: outputs, data_dir: null}",
    "experiment/none.yaml": "# @package _global_\n",
    "experiment/large.yaml": "# @package _global_\ndefaults: [override /model: large]\nseed: 7",
    "experiment/wrong.yaml": "# @package _global_\nsede: 7",
    "experiment/lost.yaml": "# @package _global_\nname: ${nowhere}",
    "scheduler/open.yaml": "{_target_: torch.optim.lr_scheduler.StepLR, step_size: '???'}",
}

PACKAGE = {
    "__init__.py": "from toy_parts.model import Encoder, Model\nfrom toy_parts.rest import *\n",
    "model.py": """
        from __future__ import annotations
        from typing import Literal
        from lvm_experiments.types import OpenProbability, PositiveInt
        from toy_parts.rest import Schedule

        class Base:
            def __init__(self, spec: object, latent_dim: PositiveInt | None = None, *, deep: bool = False) -> None:
                self.latent_dim, self.deep = latent_dim, deep

        class Model(Base):
            def __init__(
                self, spec: object, rate: OpenProbability | Schedule = 0.5,
                names: tuple[str, ...] = (), encoder: Encoder | None = None, **more: object
            ) -> None:
                super().__init__(spec, **more)
                self.rate, self.names, self.encoder = rate, names, encoder

        class Encoder:
            def __init__(self, hidden: tuple[PositiveInt, ...], activation: Literal["relu", "tanh"] = "relu") -> None:
                if len(hidden) > 3:
                    raise ValueError("at most three layers")
                self.hidden, self.activation = hidden, activation
    """,
    "rest.py": """
        from __future__ import annotations
        import os
        from dataclasses import dataclass, field
        from os import system
        from lvm_experiments.errors import RequestError

        __all__ = ["Schedule", "Stopping", "refuse"]

        @dataclass
        class Stopping:
            patience: int
            delta: float = 0.0
            seen: list[float] = field(default_factory=list, init=False)

        class Schedule: ...

        class Silent:
            pass

        def refuse(pair: str = "") -> None:
            raise RequestError("cannot be", hint="choose another")

        def fail(kind: str) -> None:
            import builtins
            from lvm_experiments import errors
            if kind == "Interrupted":
                raise errors.Interrupted(15)
            raise getattr(builtins, kind)("lost")

        Alias = Stopping
    """,
}


def write(root: Path, files: dict[str, str]) -> Path:
    from textwrap import dedent

    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return root


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("conf"), FILES)


@pytest.fixture
def toy(toy_folder: Path, toy_parts: Path) -> ConfigTree:
    return ConfigTree((toy_folder,))


@pytest.fixture(scope="session")
def toy_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package `toy_parts`, importable for the whole session: what is read of it is cached."""
    import sys

    folder = tmp_path_factory.mktemp("packages")
    write(folder / "toy_parts", PACKAGE)
    sys.path.insert(0, str(folder))
    return folder
