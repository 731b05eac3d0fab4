"""Run folders: what a run writes, how far it is, and how it goes on after it was stopped.

`load` and what reads checkpoints need torch; import them from their own modules.
"""

from __future__ import annotations

from lvm_experiments.runs.files import atomic_write, read_json, write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.history import History
from lvm_experiments.runs.rank import is_rank_zero
from lvm_experiments.runs.resume import resume_config
from lvm_experiments.runs.status import STATES, Status, read_status, set_state

__all__ = [
    "STATES",
    "History",
    "RunFolder",
    "Status",
    "atomic_write",
    "is_rank_zero",
    "read_json",
    "read_status",
    "resume_config",
    "set_state",
    "write_json",
]
