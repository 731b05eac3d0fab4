"""A Slurm cluster of one machine, as long as it is needed: real daemons, whose files all lie in one folder."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_CONFIG = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/none
CredType=cred/none
SlurmUser={user}
SlurmdUser={user}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=2
SchedulerParameters=sched_interval=1,bf_interval=1
PlugStackConfig={folder}/plugstack.conf
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=5
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing() -> list[str]:
    """Programs of Slurm that are not installed here."""
    return [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Starts the daemons, gives the environment that programs have to be run in, and stops them.

    Two cores. Jobs in the partition `high` displace those in `low`, the default, which have five seconds to stop.

    Arguments:
        folder: Of their files; its path has no spaces.
    """
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "plugstack.conf").touch()
    (folder / "slurm.conf").write_text(
        _CONFIG.format(host=socket.gethostname(), user=getpass.getuser(), folder=folder, ports=_free_ports(2))
    )
    env = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _PATH}
    daemons = []
    try:
        for name in ("slurmctld", "slurmd"):
            with open(folder / f"{name}.out", "w") as file:
                daemons.append(subprocess.Popen([name, "-D"], env={**os.environ, **env}, stdout=file, stderr=file))
        until = time.monotonic() + 30
        while "idle" not in said(env, "sinfo", "--noheader", "--format=%T"):
            assert time.monotonic() < until, (folder / "slurmctld.log").read_text()
            time.sleep(0.1)
        yield env
    finally:
        said(env, "scancel", f"--user={getpass.getuser()}", "--signal=KILL", "--full")
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in reversed(daemons):
            daemon.wait(30)


def said(env: dict[str, str], *words: str) -> str:
    """What a program of Slurm prints."""
    path = shutil.which(words[0], path=_PATH)
    assert path is not None
    return subprocess.run([path, *words[1:]], env={**os.environ, **env}, capture_output=True, text=True).stdout


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
