"""`python -m lvm_experiments`. Nothing else lives here: processes that are spawned cannot import this module."""

from __future__ import annotations

import sys

from lvm_experiments.app import main

if __name__ == "__main__":
    sys.exit(main())
