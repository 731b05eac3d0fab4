from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from lvm_experiments.configuration import Part, instantiate
from lvm_experiments.configuration.targets import EXTERNALS, locate
from lvm_experiments.errors import RequestError, RunError

OWN = ("toy_parts",)


def encoder(**more: Any) -> dict[str, Any]:
    return {"_target_": "toy_parts.Encoder", "hidden": [4, 2], **more}


def test_builds_innermost_first(toy_parts: Path) -> None:
    node = {"_target_": "toy_parts.Model", "spec": None, "encoder": encoder(), "names": ["a"]}
    model = instantiate(node, "model", OWN)
    assert model.encoder.hidden == [4, 2]
    assert type(model.encoder.hidden) is list
    assert instantiate(OmegaConf.create(node), "model", OWN).names == ["a"]


def test_a_part_is_called_later(toy_parts: Path) -> None:
    node = {"_target_": "toy_parts.Model", "_partial_": True, "latent_dim": 3, "encoder": encoder(_partial_=True)}
    part = instantiate(node, "model", OWN)
    assert isinstance(part, Part)
    model = part(None)
    assert model.latent_dim == 3
    assert model.encoder(activation="tanh").activation == "tanh"


def test_containers_and_values_stay(toy_parts: Path) -> None:
    built = instantiate({"a": None, "b": [encoder(), 3], "c": {"d": "text"}}, "x", OWN)
    assert built["a"] is None
    assert built["b"][0].hidden == [4, 2]
    assert built["c"] == {"d": "text"}
    assert instantiate(None) is None


def test_not_recursive_leaves_nested_nodes_alone(toy_parts: Path) -> None:
    node = {"_target_": "toy_parts.Model", "_recursive_": False, "spec": None, "encoder": encoder()}
    assert instantiate(node, "model", OWN).encoder == encoder()


@pytest.mark.parametrize("partial", [False, True])
def test_errors_of_constructors_say_where_and_from_what(partial: bool, toy_parts: Path) -> None:  # noqa: FBT001
    node = {"model": {"encoder": encoder(hidden=[1, 2, 3, 4], _partial_=partial)}}
    with pytest.raises(RequestError) as caught:
        instantiate(node, "", OWN)["model"]["encoder"]()
    assert str(caught.value) == "model.encoder: at most three layers; while building Encoder from hidden"


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("KeyError", "x: KeyError: 'lost'; while"), ("OSError", "x: lost; while"), ("Exception", "x: lost; while")],
)
def test_objections_become_requests(kind: str, expected: str, partial: object, toy_parts: Path) -> None:
    with pytest.raises(RequestError) as caught:
        instantiate({"_target_": "toy_parts.rest.fail", "_partial_": partial, "kind": kind}, "x", OWN)()
    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("kind", ["RuntimeError", "ZeroDivisionError", "AssertionError", "Interrupted"])
def test_faults_stay_what_they_are(kind: str, partial: object, toy_parts: Path) -> None:
    with pytest.raises(Exception, match=r"lost|signal") as caught:
        instantiate({"_target_": "toy_parts.rest.fail", "_partial_": partial, "kind": kind}, "x", OWN)()
    assert type(caught.value).__name__ == kind


def test_wrong_arguments_are_errors_of_constructors(toy_parts: Path) -> None:
    with pytest.raises(RequestError, match=r"^x: .*unexpected keyword argument 'depth'; while building Encoder"):
        instantiate(encoder(depth=3), "x", OWN)


def test_an_error_that_says_it_all_is_only_told_its_place(toy_parts: Path) -> None:
    with pytest.raises(RequestError) as caught:
        instantiate([{"_target_": "toy_parts.refuse"}], "x", OWN)
    assert str(caught.value) == "x[0]: cannot be; choose another"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert not isinstance(copy, RunError)


@pytest.mark.parametrize("target", EXTERNALS)
def test_every_external_is_there(target: str) -> None:
    assert locate(target, "x").__name__ == target.rpartition(".")[2]


HARMFUL = {
    "another module": {"_target_": "os.system", "command": "touch {file}"},
    "a builtin": {"_target_": "builtins.exec", "_args_": ["open('{file}', 'w')"]},
    "a builtin without module": {"_target_": "exec", "_args_": ["open('{file}', 'w')"]},
    "a module seen through one of ours": (
        {"_target_": "lvm_experiments.data.dataset.os.system", "command": "touch {file}"}
    ),
    "a name that one of ours imported": {"_target_": "lvm_experiments.data.dataset.Path", "_args_": ["{file}"]},
    "a method": {"_target_": "lvm_experiments.data.Digits.load"},
    "an attribute of an attribute": {"_target_": "lvm_experiments.data.Digits.__init__.__globals__"},
    "the rest of the package": (
        {"_target_": "lvm_experiments.runs.files.atomic_write", "path": "{file}", "content": "x"}
    ),
    "this very helper": {"_target_": "lvm_experiments.configuration.instantiate", "node": {}},
    "the program": {"_target_": "lvm_experiments.job.main"},
    "a name that begins like ours": {"_target_": "lvm_experiments_evil.data.Thing"},
    "a part that begins like ours": {"_target_": "lvm_experiments.database.Thing"},
    "hydra's own": {"_target_": "hydra.utils.get_method", "path": "os.system"},
    "other things of torch": {"_target_": "torch.load", "f": "{file}"},
    "other things of lightning": {"_target_": "pytorch_lightning.Trainer.fit"},
    "a relative name": {"_target_": ".os.system"},
    "an empty name": {"_target_": ""},
    "no name": {"_target_": None},
    "a list": {"_target_": ["os", "system"]},
    "white space": {"_target_": "lvm_experiments.data.Digits\n"},
    "letters that look alike": {"_target_": "lvm_experiments.dаta.Digits"},
    "in a list": [[{"_target_": "os.system", "command": "touch {file}"}]],
    "in an argument": (
        {"_target_": "lvm_experiments.data.Digits", "path": {"_target_": "os.system", "command": "touch {file}"}}
    ),
    "after a good one": (
        {"a": {"_target_": "toy_side_effect.touch"}, "b": {"_target_": "os.system", "command": "touch {file}"}}
    ),
    "partial": {"_target_": "os.system", "_partial_": True, "command": "touch {file}"},
    "not recursive": (
        {"_target_": "lvm_experiments.data.Digits", "_recursive_": False, "path": {"_target_": "os.system"}}
    ),
    "an interpolated name": {"x": "os.system", "y": {"_target_": "${x}", "command": "touch {file}"}},
    "a resolver": {"_target_": "lvm_experiments.data.Digits", "path": "${oc.env:HOME}"},
    "a resolver in a key of a list": {"_target_": "lvm_experiments.data.Digits", "path": ["a${oc.create:x}"]},
}  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_nothing_harmful_is_executed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentinel = tmp_path / "executed"
    text = yaml.safe_dump(HARMFUL[name]).replace("{file}", str(sentinel))
    (tmp_path / "toy_side_effect.py").write_text(f"open({str(sentinel)!r}, 'w')\ndef touch(): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RequestError) as caught:
        # Even where the user's own module is allowed, nothing of it is imported before all names are looked at.
        instantiate(yaml.safe_load(text), "model", ("toy_side_effect",))
    assert not sentinel.exists()
    assert "\n" not in str(caught.value)


def test_the_refusal_comes_before_any_import(tmp_path: Path) -> None:
    code = (
        "import sys; from lvm_experiments.configuration import instantiate\n"
        "before = set(sys.modules)\n"
        "try: instantiate({'_target_': 'antigravity.geohash'})\n"
        "except Exception as error: print(type(error).__name__, sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "RequestError []"


@pytest.mark.parametrize(
    "target", ["toy_parts.rest.system", "toy_parts.rest.os", "toy_parts.rest.os.system", "toy_parts.model"]
)
def test_what_the_users_module_imported_is_not_the_users(target: str, toy_parts: Path) -> None:
    with pytest.raises(RequestError, match=r"may not be named|cannot be imported"):
        locate(target, "x", OWN)
