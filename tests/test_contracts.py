"""Every public function of `dsp` keeps the promises of its docstring about shapes, numbers and its inputs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import luthier.dsp
from contracts import ROWS, SIZES, Row, Sizes


def public_functions() -> Iterator[Any]:
    for entry in pkgutil.iter_modules(luthier.dsp.__path__, "luthier.dsp."):
        if entry.name.endswith("kernels"):
            continue  # loops behind the functions that have rows: dsp/test_kernels.py
        module = importlib.import_module(entry.name)
        for name, value in vars(module).items():
            # `__wrapped__`: a cached function is not a plain function, but it is one of ours.
            function = inspect.unwrap(value) if callable(value) else value
            if inspect.isfunction(function) and function.__module__ == entry.name and not name.startswith("_"):
                yield value


def name_of(function: Any) -> str:
    return f"{function.__module__}.{function.__name__}"


def test_every_public_function_has_exactly_one_row() -> None:
    assert sorted(name_of(row.function) for row in ROWS) == sorted(map(name_of, public_functions()))


def shapes(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, tuple):
        return tuple(map(shapes, value))
    return ()


def tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, tuple | list):
        return [leaf for entry in value for leaf in tensors(entry)]
    return []


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("row", ROWS, ids=[name_of(row.function).removeprefix("luthier.dsp.") for row in ROWS])
class TestRow:
    def test_shapes_are_as_promised(self, row: Row, sizes: Sizes) -> None:
        arguments, options = row.call(sizes)
        assert shapes(row.function(*arguments, **options)) == row.shape(sizes)

    def test_numbers_are_finite_and_some_are_not_zero(self, row: Row, sizes: Sizes) -> None:
        arguments, options = row.call(sizes)
        numbers = [tensor for tensor in tensors(row.function(*arguments, **options)) if tensor.numel()]
        assert all(torch.isfinite(tensor).all() for tensor in numbers)
        assert not numbers or any((tensor != 0).any() for tensor in numbers)

    def test_inputs_are_not_modified(self, row: Row, sizes: Sizes) -> None:
        arguments, options = row.call(sizes)
        before = [tensor.clone() for tensor in tensors(arguments)]
        row.function(*arguments, **options)
        assert all(torch.equal(now, then) for now, then in zip(tensors(arguments), before, strict=True))

    def test_the_same_call_gives_the_same_answer(self, row: Row, sizes: Sizes) -> None:
        arguments, options = row.call(sizes)
        first, second = (tensors(row.function(*arguments, **options)) for _ in range(2))
        assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
