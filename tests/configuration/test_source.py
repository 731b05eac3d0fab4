from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lvm_experiments.configuration.signature import signature
from lvm_experiments.configuration.source import find, names_in

TRAINER = "pytorch_lightning.Trainer"


def test_follows_re_exports_and_stars(toy_parts: Path) -> None:
    assert find("toy_parts.Model").module == "toy_parts.model"
    assert find("toy_parts.Stopping").module == "toy_parts.rest"
    assert find("toy_parts.rest.Alias").node.name == "Stopping"
    assert find("toy_parts.Nothing") is None
    assert find("toy_parts.rest.os") is None
    assert find("nowhere_at_all.Thing") is None


def test_names_of_a_module(toy_parts: Path) -> None:
    assert names_in("toy_parts.rest") == ("Schedule", "Stopping", "refuse")
    assert names_in("toy_parts.model") == ("Base", "Model", "Encoder")


def test_keywords_handed_on_are_those_of_the_base(toy_parts: Path) -> None:
    found = signature("toy_parts.Model")
    assert set(found.parameters) == {"spec", "rate", "names", "encoder", "latent_dim", "deep"}
    assert not found.open
    assert found.parameters["spec"].required
    assert not found.parameters["deep"].required
    assert found.parameters["latent_dim"].may_be_null


def test_keywords_handed_elsewhere_stay_open() -> None:
    # To DistributedDataParallel, not to the base class.
    assert signature("pytorch_lightning.strategies.DDPStrategy").open


def test_fields_of_a_dataclass_are_arguments(toy_parts: Path) -> None:
    found = signature("toy_parts.Stopping").parameters
    assert {name: p.required for name, p in found.items()} == {"patience": True, "delta": False}


def test_a_class_without_constructor_takes_nothing(toy_parts: Path) -> None:
    assert signature("toy_parts.rest.Silent").parameters == {}
    assert not signature("toy_parts.rest.Silent").open


@pytest.mark.parametrize("target", [TRAINER, "torch.optim.Adam", "torch.optim.lr_scheduler.StepLR", "torch.nn.Linear"])
def test_reads_what_python_says_of_others(target: str) -> None:
    import inspect
    from importlib import import_module

    module, _, name = target.rpartition(".")
    real = inspect.signature(getattr(import_module(module), name).__init__).parameters
    found = signature(target).parameters
    assert list(found) == [n for n in real if n != "self"]
    assert [p.required for p in found.values()] == [p.default is p.empty for n, p in real.items() if n != "self"]


def test_imports_nothing() -> None:
    code = (
        "import sys; from lvm_experiments.configuration.signature import signature;"
        f"assert 'max_epochs' in signature({TRAINER!r}).parameters;"
        "print([m for m in ('torch', 'pytorch_lightning') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
