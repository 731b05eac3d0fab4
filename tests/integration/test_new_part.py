"""To add a likelihood takes one class and one YAML file; nothing else changes, and its tests run by themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLASS = '''"""The Rademacher likelihood, a Bernoulli by another parameter."""

from __future__ import annotations

__all__ = ["TanhBernoulliLikelihood"]

import torch
from torch import Tensor

from lvm_experiments.distributions import Bernoulli
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.spec import DataSpec


class TanhBernoulliLikelihood(Likelihood):
    """A Bernoulli whose logits stay within bounds.

    Arguments:
        spec: What is known of the data.
        bound: Of the logits.

    Example:
        >>> TanhBernoulliLikelihood(DataSpec("binary", (4,), levels=2)).bound
        5.0
    """

    space = "binary"

    def __init__(self, spec: DataSpec, bound: float = 5.0) -> None:
        super().__init__(spec)
        self.bound = bound

    def forward(self, raw: Tensor) -> Bernoulli:
        return Bernoulli(self.bound * torch.tanh(raw.squeeze(2) / self.bound))
'''
FILE = """defaults:
  - override /observation@_global_.observation: binary
  - _self_

_target_: lvm_experiments.likelihoods.tanh_bernoulli.TanhBernoulliLikelihood
_partial_: true
bound: 5.0
"""


@pytest.mark.slow
def test_a_likelihood_is_one_class_and_one_file(tmp_path: Path) -> None:
    for name in ("lvm_experiments", "conf", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "lvm_experiments" / "likelihoods" / "tanh_bernoulli.py").write_text(CLASS)
    (tmp_path / "conf" / "model" / "likelihood" / "tanh_bernoulli.yaml").write_text(FILE)
    words = ["tests/likelihoods/test_contract.py", "tests/integration/test_conf.py", "lvm_experiments/likelihoods"]
    wanted = "anh_bernoulli or TanhBernoulli or catalogue or example_that_runs or has_a_file"
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, "-k", wanted],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    # The contract for every shape and type, the file's own tests, its example.
    passed = int(ended.stdout.rsplit(" passed", 1)[0].rsplit(maxsplit=1)[-1])
    assert passed >= 12, ended.stdout[-3000:]
