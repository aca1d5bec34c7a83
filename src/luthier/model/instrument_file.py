"""The instrument file: one .safetensors with the weights and a JSON header that says what they are.

Files come from strangers: nothing in them is executed, every size and type is checked before use,
and anything unexpected is an error of ours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from luthier.atomic import atomic_file
from luthier.errors import ConfigError, InstrumentFileError
from luthier.model.bundled import find_instrument
from luthier.model.config import FrozenConfig, InstrumentConfig
from luthier.model.instrument import Instrument
from luthier.model.instrument_formats import FORMAT_VERSION, Content, upgrade
from luthier.strict_json import MAX_KEYS, parse_json

HEADER_KEY = "luthier"
LARGEST_HEADER = 1 << 18
"""Bytes of JSON accepted."""
WEIGHT_TYPE = "F32"
"""The number format of all weights, as safetensors calls it."""
MOST_PASSAGES = MAX_KEYS
"""Passages that a file names, of as many recordings at most: what a header may hold. Of more material it says nothing."""
LONGEST_QUOTE = 80
"""Characters quoted from a file in an error message."""


class TrainingSummary(FrozenConfig):
    """Where an instrument comes from and how well it learned."""

    # A score that could not be measured is NaN; it must not make the whole file unreadable.
    model_config = FrozenConfig.model_config | {"allow_inf_nan": True}

    title: str = Field("", max_length=200, description="what it is, for lists")
    licence: str = Field("", max_length=2000, description="licence of the recordings")
    credit: str = Field("", max_length=4000, description="who to thank for the recordings")
    recipe: str = Field("", max_length=4000, description="the commands that made it, one a line")
    luthier_version: str = Field("", max_length=100)
    refit: bool = Field(
        False, description="whether it learned from the validation part, too; its scores are from before that"
    )
    audio_seconds: float = Field(0.0, ge=0.0, description="training material, s")
    learned_from: dict[str, tuple[tuple[float, float], ...]] = Field(
        default_factory=dict,
        max_length=MOST_PASSAGES,
        description="passages it learned from: beginnings and ends in s, by recording id; empty where it is not known",
    )
    steps: int = Field(0, ge=0, description="training steps done")
    train_seconds: float = Field(0.0, ge=0.0, description="time spent training, s")
    scores: dict[str, float] = Field(default_factory=dict, max_length=100, description="validation scores")


class LoadedInstrument(FrozenConfig):
    """An instrument and what its file says about it."""

    model_config = FrozenConfig.model_config | {"arbitrary_types_allowed": True}

    instrument: Instrument
    summary: TrainingSummary


def save_instrument(path: str | Path, instrument: Instrument, summary: TrainingSummary, *, force: bool = False) -> None:
    """Write an instrument; the file appears whole or not at all.

    Raises:
        OutputError: `path` exists and `force` is not set, or it cannot be written.
    """
    header = {
        "format_version": FORMAT_VERSION,
        "config": instrument.config.model_dump(mode="json"),
        "summary": summary.model_dump(mode="json"),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in instrument.state_dict().items()}
    with atomic_file(path, force=force) as temporary:
        # Written by Python, not by safetensors, whose error for a full disk is no OSError.
        temporary.write_bytes(save(tensors, metadata={HEADER_KEY: json.dumps(header, sort_keys=True)}))


def load_instrument(path: str | Path) -> LoadedInstrument:
    """Read an instrument file, trusting nothing in it.

    Args:
        path: the file, or the name of an instrument that comes with the package.

    Raises:
        InstrumentFileError: the file is missing, truncated, foreign, of an unknown version, or its
            weights do not fit its configuration.
    """
    path = find_instrument(path)
    header, weights = upgrade(Content(read_header(path), _read_weights(path)))
    config = parse_config(path, header)
    with torch.device("meta"):  # without memory: a small file may ask for a large instrument
        _check_weights(path, weights, _build(path, config).state_dict())
    instrument = _build(path, config)
    _load_weights(path, weights, instrument)
    return LoadedInstrument(instrument=instrument.eval(), summary=parse_summary(path, header))


def read_header(path: Path) -> dict[str, Any]:
    """Read and check the JSON header alone.

    Raises:
        InstrumentFileError: see `load_instrument`.
    """
    _check_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(HEADER_KEY)
    except (SafetensorError, OSError, ValueError) as error:
        raise InstrumentFileError(
            f"{path}: not an instrument file, or damaged ({_first_line(error)}). Copy or train it again."
        ) from error
    if text is None:
        raise InstrumentFileError(f"{path}: a safetensors file, but not one of ours: its header has no {HEADER_KEY!r}.")
    return checked_header(path, text)


def _check_size(path: Path) -> None:
    """A file starts with the length of its header, 8 bytes: nothing is read of one that is too long."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
    except OSError as error:
        raise InstrumentFileError(f"{path}: cannot be read ({error.strerror}). Check its rights.") from error
    if LARGEST_HEADER < length <= path.stat().st_size:
        raise InstrumentFileError(f"{path}: header of {length} bytes, expected at most {LARGEST_HEADER}.")


def checked_header(path: Path, text: str) -> dict[str, Any]:
    """Parse the JSON header of the file at `path`: a table of a version that is known, every key once.

    Raises:
        InstrumentFileError: see `load_instrument`.
    """
    try:
        header = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise InstrumentFileError(f"{path}: the header is not JSON ({_first_line(error)}).") from error
    version = header.get("format_version") if isinstance(header, dict) else type(header).__name__
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:  # True is no version, though it equals 1
        raise InstrumentFileError(
            f"{path}: format version {_brief(version)}, expected 1 to {FORMAT_VERSION}. A newer luthier may read it."
        )
    assert isinstance(header, dict)
    return header


def parse_config(path: Path, header: dict[str, Any]) -> InstrumentConfig:
    """The configuration in a checked header.

    Raises:
        InstrumentFileError: see `load_instrument`.
    """
    try:
        return InstrumentConfig.model_validate(header.get("config"))
    except ValidationError as error:
        raise InstrumentFileError(f"{path}: configuration not understood: {describe_validation(error)}") from error


def parse_summary(path: Path, header: dict[str, Any]) -> TrainingSummary:
    """The training summary in a checked header.

    Raises:
        InstrumentFileError: see `load_instrument`.
    """
    try:
        return TrainingSummary.model_validate(header.get("summary"))
    except ValidationError as error:
        raise InstrumentFileError(f"{path}: training summary not understood: {describe_validation(error)}") from error


def _build(path: Path, config: InstrumentConfig) -> Instrument:
    try:
        return Instrument(config)
    except ConfigError as error:
        raise InstrumentFileError(
            f"{path}: made with something this version does not have: {_first_line(error)}"
        ) from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    """All weights by name, mapped from the file: no number is read before it is looked at."""
    weights: dict[str, Tensor] = {}
    with safe_open(path, framework="pt") as file:
        names: list[str] = file.keys()
        for name in names:
            found = file.get_slice(name)
            if found.get_dtype() != WEIGHT_TYPE:
                raise InstrumentFileError(
                    f"{path}: {_brief(name)} is {found.get_dtype()} of shape {found.get_shape()}, expected {WEIGHT_TYPE}."
                )
            weights[name] = file.get_tensor(name)
    return weights


def _check_weights(path: Path, weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Compare names and shapes, reading no weight."""
    odd = sorted(set(weights) ^ set(expected))
    if odd:
        named = ", ".join(_brief(name) for name in odd[:3])
        raise InstrumentFileError(f"{path}: weights {named} missing or too many ({len(odd)} in all).")
    for name, wanted in expected.items():
        if weights[name].shape != wanted.shape:
            raise InstrumentFileError(
                f"{path}: {name} is {WEIGHT_TYPE} of shape {list(weights[name].shape)}, "
                f"expected {WEIGHT_TYPE} of shape {list(wanted.shape)}."
            )


def _load_weights(path: Path, weights: dict[str, Tensor], instrument: Instrument) -> None:
    for name, wanted in instrument.state_dict().items():
        _copy_finite(path, name, weights[name], wanted)
    for name, values in instrument.statistics.named_buffers():
        if name.endswith("_std") and not bool((values > 0.0).all()):
            raise InstrumentFileError(f"{path}: damaged: statistics.{name} is {float(values):g}, expected more than 0.")


def _copy_finite(path: Path, name: str, found: Tensor, wanted: Tensor) -> None:
    if not torch.isfinite(found).all():
        raise InstrumentFileError(f"{path}: {name} holds NaN or infinite numbers, expected finite ones.")
    wanted.copy_(found)


def describe_validation(error: ValidationError) -> str:
    """Say in one line which field is wrong, what was found and what is allowed."""
    first = error.errors()[0]
    where = ".".join(_brief(part).strip("'\"") for part in first["loc"]) or "configuration"
    return f"{where}: {first['msg']} (found {_brief(str(first.get('input')))})"


def _brief(quoted: object) -> str:
    """Something from a stranger's file, fit for one line of a message."""
    return repr(quoted)[:LONGEST_QUOTE]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
