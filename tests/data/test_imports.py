from __future__ import annotations

import subprocess
import sys


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    code = (
        "import sys, lvm_experiments.data, lvm_experiments.data.converters as c\n"
        "heavy = {'torchvision', 'sklearn', 'scipy', 'PIL', 'filelock'} & set(sys.modules)\n"
        "print(sorted(heavy - {'filelock'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_of_the_converter_answers_without_torch() -> None:
    code = (
        "import sys, lvm_experiments.convert as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit as e: assert e.code == 0\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
