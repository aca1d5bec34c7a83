"""Beginning from a network that has played before instead of from chance.

Three minutes of a recording do not say what every pitch, loudness and expression sounds like; other recordings fill the
gaps. What was learned from them is the start of the network alone: pitch, loudness and expression are scaled by the
statistics of the new recordings, and the room is theirs.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch

from luthier.errors import ConfigError
from luthier.evaluation.held_out import Passages
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import MOST_PASSAGES, TrainingSummary, load_instrument, parse_summary, read_header

SUFFIX = ".safetensors"
NETWORKS = ("decoder.", "predictor.")


def start_names() -> list[str]:
    """The starts that come with the package, in alphabetical order."""
    return sorted(path.stem for path in _folder().glob(f"*{SUFFIX}"))


def start_path(name: str) -> Path:
    """The file of a start: an instrument without a room, with its credit.

    Raises:
        ConfigError: there is no such start.
    """
    if name not in start_names():
        raise ConfigError(f"training.start: found {name!r}, expected one of {', '.join(start_names())}, or nothing.")
    return _folder() / f"{name}{SUFFIX}"


@torch.no_grad()
def start_network(instrument: Instrument, name: str) -> bool:
    """Give an untrained instrument the network of a start, as far as the two have the same shape.

    At another sample rate or with another `obeys`, only the last layer, which has a number for each harmonic, band and
    correction, begins from chance.

    Args:
        instrument: its decoder and predictor are changed in place; statistics and room stay.
        name: of `start_names()`.

    Returns:
        Whether they fit: a network of other inputs or widths stays as it is.

    Raises:
        ConfigError: there is no such start.
    """
    known = load_instrument(start_path(name)).instrument
    kept = {"dropout"}
    if known.config.decoder.model_dump(exclude=kept) != instrument.config.decoder.model_dump(exclude=kept):
        return False
    learned = known.state_dict()
    for key, value in instrument.state_dict().items():
        if key.startswith(NETWORKS) and learned[key].shape == value.shape:
            value.copy_(learned[key])
    return True


def with_start_credit(credit: str, name: str) -> str:
    """Thank those, too, whose recordings the start learned from."""
    if not name:
        return credit
    played = _summary(name).credit
    return f"{credit}. Network started from: {played}" if credit else f"Network started from: {played}"


def with_start_passages(passages: Passages, name: str) -> Passages:
    """Name what the start has learned from, too, which is whole recordings; nothing where there is too much to name."""
    if not name or not passages:
        return passages
    both = {**passages, **_summary(name).learned_from}
    return both if sum(map(len, both.values())) <= MOST_PASSAGES else {}


def _summary(name: str) -> TrainingSummary:
    path = start_path(name)
    return parse_summary(path, read_header(path))


def _folder() -> Path:
    return Path(str(files("luthier") / "training" / "starts"))
