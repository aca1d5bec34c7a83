"""Changing a configuration by `key=value`, wherever in it the key lies."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from luthier.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:  # Python 3.10 reads TOML with the same library under its older name
    import tomli as tomllib


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """Read `key=value` pairs; values are TOML, and what is no TOML is a string.

    Raises:
        ConfigError: a pair has no `=`.
    """
    parsed: dict[str, Any] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"--set {assignment}: expected key=value, for example steps=2000.")
        parsed[key.strip()] = _parse_value(text.strip())
    return parsed


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def place_overrides(overrides: Mapping[str, Any], sections: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Turn flat overrides into nested tables.

    A key is a full path ("training.batch_size", "instrument.room.kind") or any ending of one that
    only one setting has ("batch_size", "room.kind").

    Returns:
        Nested dictionaries, to be merged into the sections.

    Raises:
        ConfigError: no setting, or more than one, ends in the key.
    """
    paths = {path for name, model in sections.items() for path in setting_paths(model, name)}
    tree: dict[str, Any] = {}
    for key, value in overrides.items():
        *parents, leaf = _find(key, paths).split(".")
        table = tree
        for parent in parents:
            table = table.setdefault(parent, {})
        table[leaf] = value
    return tree


def _find(key: str, paths: set[str]) -> str:
    found = sorted(path for path in paths if path == key or path.endswith("." + key))
    # The shortest path wins: `sample_rate` of the features is no rival of a deeper namesake.
    shortest = [path for path in found if path.count(".") == min(other.count(".") for other in found)]
    if len(shortest) == 1:
        return shortest[0]
    if found:
        raise ConfigError(f"{key}: could be {' or '.join(found)}. Write one of these in full.")
    leaves = {path.rsplit(".", 1)[-1] for path in paths}
    near = difflib.get_close_matches(key.rsplit(".", 1)[-1], leaves, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Expected one of {', '.join(sorted(leaves))}."
    raise ConfigError(f"{key}: no such setting. {hint}")


def setting_paths(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """The dotted path of every setting of a configuration, nested ones included."""
    for name, field in model.model_fields.items():
        path = f"{prefix}.{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_paths(field.annotation, path)
        else:
            yield path


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay nested tables over others; the inputs stay as they are."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
