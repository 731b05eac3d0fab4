from __future__ import annotations

import ast

import pytest

from lvm_experiments.configuration.signature import Parameter
from lvm_experiments.configuration.values import check_value
from lvm_experiments.errors import RequestError

ACCEPTED = [
    ("float", 3),
    ("float", float("inf")),
    ("tuple[int, int]", [1, 2]),
    ("Sequence[float]", [1, 2.5]),
    ("dict[str, float]", {"a": 1}),
    ("Optional[Union[int, str]]", None),
    ("Any", object),
    ("PositiveInt | None", None),
    ("Tensor | float", 1.5),
    ("Callable[[int], int]", "anything: not readable, no objection"),
    ("SomethingElse", "the same"),
    ("list[SomethingElse]", [1]),
    ("torch.Tensor", 3),
]
REFUSED = [
    ("float", "3"),
    ("float", True),
    ("int", 3.0),
    ("str", 3),
    ("bool", 0),
    ("tuple[int, int]", [1, 2, 3]),
    ("tuple[int, int]", [1]),
    ("dict[str, float]", {"a": "b"}),
    ("NonNegativeFloat", -0.5),
    ("Probability", 1.5),
    ("Tensor | float", "x"),
    ("Literal['a', 'b'] | None", "c"),
    ("None", 3),
]


def parameter(annotation: str) -> Parameter:
    tree = ast.parse(annotation, mode="eval").body
    return Parameter("x", tree, required=True, may_be_null=False, module="tests")


@pytest.mark.parametrize(("annotation", "value"), ACCEPTED, ids=str)
def test_accepts(annotation: str, value: object) -> None:
    check_value("text" if value is object else value, parameter(annotation), "x")


@pytest.mark.parametrize(("annotation", "value"), REFUSED, ids=str)
def test_refuses(annotation: str, value: object) -> None:
    with pytest.raises(RequestError, match=r"^x"):
        check_value(value, parameter(annotation), "x")


def test_none_goes_where_it_is_the_default() -> None:
    tree = ast.parse("int", mode="eval").body
    check_value(None, Parameter("x", tree, required=False, may_be_null=True, module="tests"), "x")
