"""Where everything of one run lies."""

from __future__ import annotations

__all__ = ["RunFolder"]

import os
from pathlib import Path
from typing import Any

import yaml

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.files import atomic_write


class RunFolder:
    """The folder of one run: the names of its files, and its configuration.

    Nothing in it names the folder itself, so that it can be moved.

    Arguments:
        path: The folder; it need not exist yet.

    Example:
        >>> folder = RunFolder(getfixture("tmp_path") / "run")
        >>> folder.create()
        >>> folder.write_config({"seed": 0, "model": {"latent_dim": 2}})
        >>> folder.read_config()["model"]
        {'latent_dim': 2}
        >>> folder.last.relative_to(folder.path).as_posix()
        'checkpoints/last.ckpt'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(Path(path).expanduser()))

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def config(self) -> Path:
        """What is run, resolved."""
        return self.path / "config.yaml"

    @property
    def status(self) -> Path:
        """How far it is, and of what program."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the process that runs it."""
        return self.path / ".lock"

    @property
    def spec(self) -> Path:
        """What the model has to know of the data."""
        return self.path / "spec.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """The checkpoint with the best validation metric: the one that is evaluated."""
        return self.checkpoints / "best.ckpt"

    @property
    def last(self) -> Path:
        """The latest checkpoint: the one to go on from."""
        return self.checkpoints / "last.ckpt"

    @property
    def metrics(self) -> Path:
        """The history of training, a row per step."""
        return self.path / "metrics.csv"

    @property
    def results(self) -> Path:
        """The final numbers."""
        return self.path / "results.json"

    @property
    def examples(self) -> Path:
        """The numbers of single examples, for paired comparison."""
        return self.path / "examples.npz"

    @property
    def figures(self) -> Path:
        """The folder of the pictures."""
        return self.path / "figures"

    @property
    def traceback(self) -> Path:
        """Where it failed, if it failed."""
        return self.path / "traceback.txt"

    @property
    def log(self) -> Path:
        """What was said on the way."""
        return self.path / "run.log"

    def create(self) -> None:
        """Makes the folder and makes sure that it can be written.

        Raises:
            RequestError: It cannot.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".{os.getpid()}.tmp"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise RequestError(
                f"cannot write to {self.path} ({error.strerror})",
                where="paths.root",
                hint="choose another folder with paths.root=DIR",
            ) from None

    def write_config(self, config: dict[str, Any]) -> None:
        """Keeps the whole resolved configuration: plain containers, numbers and words."""
        atomic_write(self.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120))

    def read_config(self) -> dict[str, Any]:
        """The configuration the run was started with. Plain data: nothing it names is imported.

        Raises:
            RequestError: The folder is not that of a run.
        """
        try:
            config = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except FileNotFoundError:
            hint = "give the folder that holds config.yaml"
            raise RequestError("is not the folder of a run", where=str(self.path), hint=hint) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RequestError(f"cannot be read ({error})", where=str(self.config)) from None
        if not isinstance(config, dict):
            raise RequestError("does not hold a configuration", where=str(self.config))
        return config
