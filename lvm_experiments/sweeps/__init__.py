"""Sweeps: many runs of one command, that always finish.

`make_plan` composes every job, `SweepFolder` writes them down, a `Runner` has an `Engine` run them. Nothing here
imports torch, but what runs in the process that jobs are forked from.
"""

from __future__ import annotations

from lvm_experiments.sweeps.axes import Axis, Point, grid, read_axes
from lvm_experiments.sweeps.claim import Claims
from lvm_experiments.sweeps.engine import Engine
from lvm_experiments.sweeps.folder import SweepFolder, Task
from lvm_experiments.sweeps.identity import differences, identity
from lvm_experiments.sweeps.local import Local
from lvm_experiments.sweeps.naming import folder_name, sweep_name
from lvm_experiments.sweeps.plan import Plan, Planned, first_composition, make_plan
from lvm_experiments.sweeps.run import run_sweep
from lvm_experiments.sweeps.runner import Runner
from lvm_experiments.sweeps.table import show_plan, show_sweep

__all__ = [
    "Axis",
    "Claims",
    "Engine",
    "Local",
    "Plan",
    "Planned",
    "Point",
    "Runner",
    "SweepFolder",
    "Task",
    "differences",
    "first_composition",
    "folder_name",
    "grid",
    "identity",
    "make_plan",
    "read_axes",
    "run_sweep",
    "show_plan",
    "show_sweep",
    "sweep_name",
]
