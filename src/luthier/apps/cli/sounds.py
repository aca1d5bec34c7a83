"""Sound files around a rendering: the room read before it, the parts written after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from luthier.atomic import refuse_existing

if TYPE_CHECKING:
    from torch import Tensor

    from luthier.inference.player import Player


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
    for path in stem_paths(output, [*(synth.kind for synth in player.instrument.config.synths), "room"]):
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


def save_stems(output: Path, stems: Mapping[str, Tensor], sample_rate: int, *, force: bool) -> list[Path]:
    """Write each part of a sound beside it; the answer is where.

    Raises:
        OutputError: a file exists and `force` is not set, or the place cannot be written to.
    """
    from luthier.data.audio_files import save_audio

    paths = stem_paths(output, stems)
    for path, audio in zip(paths, stems.values(), strict=True):
        save_audio(path, audio, sample_rate, force=force)
    return paths
