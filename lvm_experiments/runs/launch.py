"""The processes of one run, where something else has started all of them: torchrun, or srun."""

from __future__ import annotations

__all__ = ["Launch", "find_launch", "tell_lightning"]

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_KEY = "lvm_experiments/run"
_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Launch:
    """What a process was started as.

    Arguments:
        by: The program that has started it.
        world: How many processes there are; None where nothing tells.
        again: How often the run was started before: after a failure, or when Slurm had taken its place away.
    """

    by: str
    world: int | None
    again: int = 0

    def agreed(self, proposal: str, env: Mapping[str, str] = os.environ) -> str | None:
        """One name that all processes of the run have, and have again when they are started again.

        Under torchrun they agree on the proposal of one of them, in the store that its agent keeps for them as long
        as it lives. Under srun the job and the step are the name.

        Arguments:
            proposal: A name nobody else has.
            env: The environment.

        Returns:
            The name; None where the processes have no way to agree.
        """
        if self.by == "srun":
            return f"slurm-{env['SLURM_JOB_ID']}-{env['SLURM_STEP_ID']}"
        if self.by != "torchrun" or env.get("TORCHELASTIC_USE_AGENT_STORE", "True") != "True":
            return None
        from torch.distributed import TCPStore

        store = TCPStore(env["MASTER_ADDR"], int(env["MASTER_PORT"]), is_master=False, timeout=_PATIENCE)
        return store.compare_set(_KEY, "", proposal).decode()


def tell_lightning(launch: Launch) -> None:
    """Says in the words that Lightning asks for what was started: how many processes by srun, and where they meet.

    It knows no `srun -n 2`. Processes that torchrun starts again would find the addresses of those that have died in
    the store that its agent keeps, and wait for them; they meet in a store of their own.
    """
    if launch.by == "srun" and launch.world is not None:
        nodes = int(os.environ.get("SLURM_STEP_NUM_NODES", "1"))
        if launch.world % nodes == 0:
            os.environ.setdefault("SLURM_NTASKS_PER_NODE", str(launch.world // nodes))
    if launch.by == "torchrun" and launch.again and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        os.environ["MASTER_PORT"] = _new_port(launch.again)
        os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"


def _new_port(again: int) -> str:
    """A port that is free on the machine of the first process, which tells the others by the agent's store."""
    from torch.distributed import TCPStore

    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = TCPStore(address, port, is_master=False, timeout=_PATIENCE)
    key = f"{_KEY}/port/{again}"
    if os.environ["RANK"] == "0":
        with socket.socket() as free:
            free.bind(("", 0))
            store.set(key, str(free.getsockname()[1]))
    return store.get(key).decode()


def find_launch(env: Mapping[str, str] = os.environ) -> Launch | None:
    """What has started this process as one of several; None for one by itself.

    Arguments:
        env: The environment.

    Example:
        >>> find_launch({"TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "1", "WORLD_SIZE": "2"})
        Launch(by='torchrun', world=2, again=0)
        >>> find_launch({"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"})
        Launch(by='srun', world=2, again=0)
    """
    if "TORCHELASTIC_RUN_ID" in env and "LOCAL_RANK" in env:
        return Launch("torchrun", int(env["WORLD_SIZE"]), int(env.get("TORCHELASTIC_RESTART_COUNT", "0")))
    # Within a batch script there is no step; a shell that srun has started is one task.
    if {"SLURM_PROCID", "SLURM_STEP_ID"} <= env.keys() and int(env.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        return Launch("srun", int(env["SLURM_STEP_NUM_TASKS"]), int(env.get("SLURM_RESTART_COUNT", "0")))
    if "LOCAL_RANK" in env:
        return Launch("a launcher", int(env["WORLD_SIZE"]) if "WORLD_SIZE" in env else None)
    return None
