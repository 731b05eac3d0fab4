"""The keys at the top of a configuration that stand for themselves, not for an object."""

from __future__ import annotations

__all__ = ["Paths", "Settings", "SweepSettings"]

from dataclasses import dataclass
from typing import Any, Literal

from lvm_experiments.types import NonNegativeFloat, NonNegativeInt, PositiveFloat


@dataclass(frozen=True)
class Paths:
    """Where things are.

    Arguments:
        root: The folder of outputs.
        data_dir: A folder of data sets, only read; None for a cache folder filled by downloading.
    """

    root: str
    data_dir: str | None


@dataclass(frozen=True)
class SweepSettings:
    """How a sweep is run; in the configuration of one of its jobs also which one it is.

    Arguments:
        name: Its folder; None for one made of the swept keys and the other words.
        question: What it is to answer.
        retry: Whether jobs that failed are tried again when the same command is given again.
        fail_fast: Whether the first failure stops the others.
        timeout: Seconds a job may take; None for no limit.
        grace: Seconds a job that is told to stop has to save what it has.
        dry_run: Whether the jobs are only shown.
        point: Of a job: its swept values, by the words they have on the command line.
    """

    name: str | None
    question: str | None
    retry: bool
    fail_fast: bool
    timeout: PositiveFloat | None
    grace: NonNegativeFloat
    dry_run: bool
    point: dict[str, Any] | None


@dataclass(frozen=True)
class Settings:
    """What `config.yaml` holds besides the groups. A key that is added there is added here.

    Arguments:
        name: What the run is called.
        seed: Of parameters, order of data and training noise.
        tags: Free words.
        extra_tags: Added to those.
        monitor: The validation metric that picks the best checkpoint; None: the objective's own.
        ckpt_path: A checkpoint whose parameters training starts from.
        resume: The run folder to go on with.
        compile: Whether the networks are compiled.
        matmul_precision: Of float32 products while training.
        allow_targets: The user's own modules whose classes a configuration may name.
    """

    name: str
    seed: NonNegativeInt
    tags: list[str]
    extra_tags: list[str]
    monitor: str | None
    ckpt_path: str | None
    resume: str | None
    compile: bool
    matmul_precision: Literal["highest", "high", "medium"]
    allow_targets: list[str]
