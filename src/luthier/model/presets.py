"""Presets: an instrument and how to train it, as TOML files of the few lines that differ from the defaults."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from luthier.errors import ConfigError
from luthier.model.config import InstrumentConfig
from luthier.model.instrument_file import describe_validation
from luthier.model.overrides import merge

if sys.version_info >= (3, 11):
    import tomllib
else:  # Python 3.10 reads TOML with the same library under its older name
    import tomli as tomllib

DEFAULT_PRESET = "fast"
SECTIONS = ("instrument", "training")


def preset_names() -> list[str]:
    """The presets that come with the package, in alphabetical order."""
    folder = files("luthier.model") / "preset_files"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def preset_tables(name: str) -> dict[str, Any]:
    """Read a preset: tables `instrument` and `training`, only what differs from the defaults.

    Raises:
        ConfigError: no preset has this name.
    """
    if name not in preset_names():
        raise ConfigError(f"preset {name!r} not found: expected one of {', '.join(preset_names())}.")
    text = (files("luthier.model") / "preset_files" / f"{name}.toml").read_text(encoding="utf-8")
    return merge({"instrument": {"preset": name}, "training": {}}, tomllib.loads(text))


def read_config_file(path: str | Path) -> dict[str, Any]:
    """Read a user's TOML file with the same tables as a preset.

    Raises:
        ConfigError: the file is missing, is no TOML, or has other tables.
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error}). Check the name and the rights."
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML ({error}).") from error
    unknown = sorted(set(tables) - set(SECTIONS))
    if unknown:
        raise ConfigError(f"{path}: unknown table or key {unknown[0]!r}, expected [{'] and ['.join(SECTIONS)}].")
    return tables


def instrument_config(table: Mapping[str, Any]) -> InstrumentConfig:
    """Check an `instrument` table.

    Raises:
        ConfigError: an unknown key, a wrong type or a value that is not allowed.
    """
    try:
        return InstrumentConfig.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"instrument.{describe_validation(error)}") from error
