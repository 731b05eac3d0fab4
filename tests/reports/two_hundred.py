"""How long 200 runs take, and how large their report is: `python -m tests.reports.two_hundred`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.reports.synthetic import grid


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        likelihoods = ("bernoulli", "gaussian", "discretized_logistic", "beta")
        root = grid(Path(folder) / "sweep", likelihoods, (2, 4, 8, 16, 32), 10, epochs=200)
        start = time.perf_counter()
        command = (sys.executable, "-m", "lvm_experiments.compare", str(root))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        size = (root / "comparison" / "report.html").stat().st_size
    print(f"200 runs: {seconds:.1f} s, report.html {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
