"""Makes a torchvision that was built for another torch importable.

Only torchvision's data sets and image grids are needed here, and these are plain Python. But
where its C++ extension cannot load (the usual accident with ``+cpu`` builds of torch), nothing
declares the operators ``nms`` and ``qnms``, ``torchvision._meta_registrations`` registers fake
kernels for them all the same, and ``import torchvision`` ends in "operator torchvision::nms does
not exist". Through torchmetrics the same happens to ``import pytorch_lightning``.

The remedy is to declare the two schemas, and the moment matters. Before the extension has loaded
it would be too early: a matching torchvision declares its own operators, and declaring one twice
is an error. So an import hook acts when ``torchvision._meta_registrations`` is looked for, which
is after torchvision has tried its extension. Until then it imports neither torch nor torchvision.
"""

from __future__ import annotations

__all__ = ["declare_missing_operators"]

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# As torchvision's C++ sources declare them.
SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


class _Hook(MetaPathFinder):
    """Finds no module: declares what is missing and leaves the module to the next finder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision._meta_registrations":
            import_module("torchvision.extension")  # by now imported, as a rule
            library = import_module("torch.library")
            operators = import_module("torch").ops.torchvision
            for name, schema in SCHEMAS.items():
                if not hasattr(operators, name):
                    library.define(f"torchvision::{name}", schema)
        return None


_HOOK = _Hook()


def declare_missing_operators() -> None:
    """Arranges that torchvision's missing operators are declared when it is first imported.

    Calling it again changes nothing, and a torchvision whose own operators load is left as it is.
    """
    if _HOOK not in sys.meta_path:
        sys.meta_path.insert(0, _HOOK)
