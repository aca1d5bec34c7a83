"""From a preset, a file and a few words to the full configuration of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w
from pydantic import BaseModel

from luthier.atomic import atomic_file
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError, DatasetError
from luthier.model.config import InstrumentConfig
from luthier.model.overrides import merge, parse_assignments, place_overrides
from luthier.model.presets import instrument_config, preset_tables, read_config_file
from luthier.training.config import TrainingConfig, training_config

BUDGETS = ("minutes", "steps", "epochs")
SECTIONS: dict[str, type[BaseModel]] = {"instrument": InstrumentConfig, "training": TrainingConfig}
"""Tables of a configuration."""
PREPARED = ("sample_rate", "hop_length", "tracker", "f0_min_hz", "f0_max_hz")
"""Settings that `luthier prepare` has options for."""


class Settings(NamedTuple):
    """The full configuration of a run.

    Attributes:
        instrument: what is trained.
        training: how.
    """

    instrument: InstrumentConfig
    training: TrainingConfig


def parse_settings(assignments: list[str]) -> dict[str, Any]:
    """Read what follows `--set`: `key=value` pairs, each of them a setting.

    Raises:
        ConfigError: a pair has no `=`, a key is no setting, or it is the preset, which has an option of its own.
    """
    parsed = parse_assignments(assignments)
    if not parsed.keys().isdisjoint({"preset", "instrument.preset"}):
        raise ConfigError("--set preset: the preset is no single setting. Choose it with --preset.")
    place_overrides(parsed, SECTIONS)
    return parsed


def settings_tables(
    preset: str, *, config_file: str | Path | None = None, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Lay a configuration file and single settings over a preset.

    Args:
        preset: a name of `preset_names()`.
        config_file: TOML with tables `instrument` and `training`.
        overrides: by any key that `place_overrides` understands, or unambiguous ending of one.

    Returns:
        Tables `instrument` and `training`.

    Raises:
        ConfigError: something is unknown or not allowed.
    """
    tables = preset_tables(preset)
    if config_file is not None:
        tables = _merge_budget(tables, read_config_file(config_file))
    return _merge_budget(tables, place_overrides(overrides or {}, SECTIONS))


def _merge_budget(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merge; a new budget takes the place of the old one, of whichever kind that was."""
    if any(name in changes.get("training", {}) for name in BUDGETS):
        kept = {key: value for key, value in base.get("training", {}).items() if key not in BUDGETS}
        base = base | {"training": kept}
    return merge(base, changes)


def resolve_settings(tables: Mapping[str, Any], definition: FeatureDefinition) -> Settings:
    """Complete the tables with the features of a dataset and check everything.

    Raises:
        ConfigError: a value is not allowed.
        DatasetError: the dataset was prepared for another kind of instrument.
    """
    instrument = tables.get("instrument", {})
    wanted = instrument.get("features", {})
    found = definition.model_dump()
    fixed = OTHER_FIXED_FEATURES if _is_as_good(wanted, found) else (*OTHER_FIXED_FEATURES, *TIMES)
    odd = [key for key, value in wanted.items() if key in fixed and found[key] != value]
    if odd:
        differences = ", ".join(f"{key} {found[key]} instead of {wanted[key]}" for key in odd)
        again = _prepare_command(instrument.get("preset", "fast"), wanted)
        raise DatasetError(f"the dataset has {differences}. Prepare it again with {again}.")
    complete = dict(instrument) | {"features": found}
    return Settings(instrument_config(complete), training_config(tables.get("training", {})))


def refuse_other_features(overrides: Mapping[str, Any], preset: str, definition: FeatureDefinition) -> None:
    """Stop where single settings ask for features that a dataset does not hold: they are measured already.

    Args:
        overrides: single settings, by any key that `place_overrides` understands.
        preset: what the dataset would be prepared for.
        definition: of the dataset.

    Raises:
        DatasetError: one differs; says how to prepare it so.
        ConfigError: a key is no setting.
    """
    wanted = place_overrides(overrides, SECTIONS).get("instrument", {}).get("features", {})
    odd = [name for name, value in wanted.items() if getattr(definition, name) != value]
    if not odd:
        return
    differences = ", ".join(f"{name} {getattr(definition, name)} instead of {wanted[name]}" for name in odd)
    again = f", or prepare it again with {_prepare_command(preset, wanted)}"
    raise DatasetError(
        f"the dataset has {differences}. Leave that out{'' if set(odd).isdisjoint(PREPARED) else again}."
    )


def _prepare_command(preset: str, wanted: Mapping[str, Any]) -> str:
    """The command that prepares recordings with these features, as far as the preset by itself does not."""
    usual = preset_tables(preset)["instrument"].get("features", {})
    names = [name for name in wanted if name in PREPARED and usual.get(name) != wanted[name]]
    if "sample_rate" in names and "hop_length" in wanted.keys() - names:  # it would follow from the rate
        names.append("hop_length")
    options = "".join(f" --{name.replace('_', '-')} {wanted[name]}" for name in names)
    return f"`luthier prepare RECORDINGS... -o DATASET --preset {preset}{options}`"


TIMES, OTHER_FIXED_FEATURES = ("sample_rate", "hop_length"), ("loudness", "loudness_floor_db")
"""Features that a preset insists on; the tracker, its range and the loudness window may be chosen freely."""
STUDIO_RATES = (44100, 48000)
"""Where a preset wants one of them, the other is as good, with as many frames a second."""


def _is_as_good(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    if not {wanted.get("sample_rate"), found["sample_rate"]} <= {*STUDIO_RATES} or "hop_length" not in wanted:
        return False
    return bool(wanted["hop_length"] * found["sample_rate"] == found["hop_length"] * wanted["sample_rate"])


def write_settings(path: Path, settings: Settings) -> None:
    """Write the full configuration as TOML that `--config` reads again."""
    with atomic_file(path, force=True) as temporary:
        temporary.write_text(settings_text(settings), encoding="utf-8")


def settings_text(settings: Settings) -> str:
    """The full configuration as TOML."""
    return tomli_w.dumps(
        {
            "instrument": settings.instrument.model_dump(mode="json", exclude_none=True),
            "training": settings.training.model_dump(mode="json", exclude_none=True),
        }
    )


def check_same_instrument(before: InstrumentConfig, now: InstrumentConfig) -> None:
    """Refuse to resume a run as another instrument.

    Raises:
        ConfigError: the configurations differ.
    """
    if before != now:
        old, new = before.model_dump(), now.model_dump()
        names = [name for name in old if old[name] != new[name]]
        raise ConfigError(f"--resume: {', '.join(names)} changed since the run began. Leave these, or start a new run.")
