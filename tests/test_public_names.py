"""`import luthier` offers exactly what it says, and looks each name up where it is defined."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import luthier


def test_all_is_exactly_what_can_be_looked_up() -> None:
    assert sorted(luthier.__all__) == sorted({"__version__", *luthier._DEFINED_IN})
    assert set(luthier.__all__) <= set(dir(luthier))


@pytest.mark.parametrize("name", sorted(luthier._DEFINED_IN))
def test_each_name_is_the_one_defined_there(name: str) -> None:
    module, attribute = luthier._DEFINED_IN[name]
    found = getattr(luthier, name)
    assert found is getattr(importlib.import_module(module), attribute)
    assert found.__module__ == module


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = luthier.nonsense


def test_the_version_is_that_of_the_distribution(repository: Path) -> None:
    found = re.search(r'^version = "(.+)"$', (repository / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert luthier.__version__ == found[1]
