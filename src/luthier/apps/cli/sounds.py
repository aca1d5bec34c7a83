"""Sound files around a rendering: the room read before it, the parts written after it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from luthier.atomic import refuse_existing

if TYPE_CHECKING:
    from torch import Tensor

    from luthier.dsp.signals import Features
    from luthier.inference.player import Player
    from luthier.inference.rendering import RenderedBlock


def check_room(*, dry: bool, room: Path | None) -> None:
    """Refuse two wishes that contradict each other.

    Raises:
        typer.BadParameter: no room and another room are both asked for.
    """
    if dry and room is not None:
        raise typer.BadParameter("leaves the room out, --room adds one: choose one of them.", param_hint="--dry")


def refuse_stems(output: Path, player: Player, *, force: bool) -> None:
    """Stop before the work when a part of the sound would overwrite a file.

    Raises:
        OutputError: one of the stems exists and `force` is not set.
    """
    for path in stem_paths(output, stem_names(player)):
        refuse_existing(path, force=force)


def stem_paths(output: Path, names: Iterable[str]) -> list[Path]:
    """Where the parts of a sound go: out.wav -> out-harmonic.wav."""
    return [output.with_name(f"{output.stem}-{name}{output.suffix}") for name in names]


def load_impulse_response(path: Path | None, sample_rate: int) -> Tensor | None:
    """Read a room at the instrument's rate: (n_taps,), or None where no room is asked for.

    Raises:
        AudioFileError: the file cannot be read.
    """
    if path is None:
        return None
    from luthier.data.audio_files import load_audio

    return load_audio(path, sample_rate)[0][0]


def stem_names(player: Player) -> list[str]:
    """The parts of which an instrument's sound consists."""
    return [*(synth.kind for synth in player.instrument.config.synths), "room"]


def measure(path: Path, player: Player) -> Features:
    """Measure in a sound file of any length what an instrument follows: (1, n_frames, 1) each.

    Raises:
        AudioFileError: the file cannot be read, or is silent.
    """
    from luthier.data.stored_audio import decoded_audio
    from luthier.errors import AudioFileError
    from luthier.features.extract import extract_features

    definition = player.instrument.config.features
    with decoded_audio(path, player.sample_rate) as audio:
        features = extract_features(audio, definition)
    if float(features.loudness_db.max()) <= definition.loudness_floor_db:
        raise AudioFileError(f"{path}: silent from beginning to end. Expected a voice or an instrument.")
    return features


def save_blocks(
    output: Path, blocks: Iterable[RenderedBlock], sample_rate: int, *, stems: Iterable[str] = (), force: bool
) -> list[Path]:
    """Write a sound while it is played, and some of its parts beside it; the answer is where those are.

    Raises:
        OutputError: a file exists and `force` is not set, or the place cannot be written to.
    """
    from luthier.data.audio_files import audio_writer

    names = list(stems)
    paths = stem_paths(output, names)
    with ExitStack() as files:
        whole, *parts = (files.enter_context(audio_writer(path, sample_rate, force=force)) for path in (output, *paths))
        for block in blocks:
            whole.write(block.audio)
            for name, part in zip(names, parts, strict=True):
                part.write(block.stems[name])
    return paths
