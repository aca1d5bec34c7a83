"""Sound files around a rendering: the room read before it, the parts written after it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from luthier.apps.cli.output import say

if TYPE_CHECKING:
    from torch import Tensor

    from luthier.dsp.signals import Features
    from luthier.inference.player import Player
    from luthier.inference.rendering import RenderedBlock


class Level(NamedTuple):
    """How loud a sound is to be.

    Attributes:
        gain_db: to add, dB.
        lufs: loudness wanted before that; None leaves it.
    """

    gain_db: float = 0.0
    lufs: float | None = None


class Saved(NamedTuple):
    """A sound that was written.

    Attributes:
        stems: files of its parts.
        lufs: its integrated loudness.
    """

    stems: list[Path]
    lufs: float


def check_sound(*, dry: bool, room: Path | None, wet: float, level: Level) -> None:
    """Refuse wishes that contradict each other or cannot be met, before anything is measured.

    Raises:
        typer.BadParameter: no room is asked for, and another room or some of the room as well.
        RangeError: the level is no finite number, or `wet` no share.
    """
    from luthier.errors import RangeError
    from luthier.inference.output_level import gain_for

    gain_for(level.lufs, level.gain_db, measured_lufs=0.0)
    if not 0.0 <= wet <= 1.0:
        raise RangeError(f"wet {wet:g}: expected a number from 0 (dry) to 1 (the room as it is).")
    if dry and room is not None:
        raise typer.BadParameter("leaves the room out, --room adds one: choose one of them.", param_hint="--dry")
    if dry and wet != 1.0:
        raise typer.BadParameter("leaves the room out, --wet says how much of it: choose one.", param_hint="--dry")


def stem_paths(output: Path, names: Iterable[str]) -> list[Path]:
    """Where the parts of a sound go: out.wav -> out-harmonic.wav."""
    return [output.with_name(f"{output.stem}-{name}{output.suffix}") for name in names]


def load_room(path: Path | None, sample_rate: int) -> Tensor | None:
    """Read a room at the instrument's rate: (n_taps,), or (n_channels, n_taps) from a file of several channels.

    Args:
        path: sound file with an impulse response, or an instrument, file or name, whose room is taken; None for no
            other room.
        sample_rate: Hz.

    Raises:
        AudioFileError, InstrumentFileError: the file cannot be read.
    """
    if path is None:
        return None
    from luthier.data.channels import load_channels
    from luthier.dsp.resampling import resample
    from luthier.inference.player import load_player
    from luthier.model.bundled import SUFFIX, is_bundled_name

    if path.suffix.lower() == SUFFIX or is_bundled_name(path):
        other = load_player(path)
        return resample(other.room().unsqueeze(0), other.sample_rate, sample_rate)[0]
    channels = load_channels(path, sample_rate)
    return channels[0] if len(channels) == 1 else channels


def stem_names(player: Player) -> list[str]:
    """The parts of which an instrument's sound consists."""
    return [*(synth.kind for synth in player.instrument.config.synths), "room"]


def measure(path: Path, player: Player) -> Features:
    """Measure in a sound file of any length what an instrument follows: (1, n_frames, 1) each.

    Raises:
        AudioFileError: the file cannot be read, or is silent.
    """
    from luthier.data.stored_audio import decoded_audio
    from luthier.features.extract import extract_features

    definition = player.instrument.config.features
    with decoded_audio(path, player.sample_rate) as audio:
        features = extract_features(audio, definition)
    refuse_silence(path, features, definition.loudness_floor_db)
    return features


def refuse_silence(path: Path, features: Features, floor_db: float) -> None:
    """Stop where there is nothing to play.

    Raises:
        AudioFileError: the loudness is at its floor everywhere.
    """
    from luthier.data.channels import refuse_cancelled
    from luthier.errors import AudioFileError

    if float(features.loudness_db.max()) <= floor_db:
        refuse_cancelled(path)
        raise AudioFileError(f"{path}: silent from beginning to end. Expected a voice or an instrument.")


def save_blocks(
    output: Path,
    blocks: Iterable[RenderedBlock],
    sample_rate: int,
    *,
    level: Level = Level(),  # noqa: B008  immutable
    stems: Iterable[str] = (),
    n_channels: int = 1,
    force: bool,
) -> Saved:
    """Write a sound while it is played, and some of its parts beside it, all with the same gain.

    Raises:
        OutputError: a file exists and `force` is not set, or the place cannot be written to.
        RangeError: the level is no finite number, see `check_sound`.
    """
    from luthier.data.audio_files import audio_writer
    from luthier.inference.output_level import ProgrammeMeter, gain_for
    from luthier.units import amplitude_to_db

    names, meter = list(stems), ProgrammeMeter(sample_rate)
    paths = stem_paths(output, names)
    with ExitStack() as files:
        whole, *parts = (
            files.enter_context(audio_writer(path, sample_rate, n_channels=n_channels, force=force))
            for path in (output, *paths)
        )
        for block in blocks:
            whole.write(block.audio)
            meter.hear(block.audio)
            for name, part in zip(names, parts, strict=True):
                part.write(block.stems[name])
        wanted = gain_for(level.lufs, level.gain_db, measured_lufs=meter.lufs)
        peak = max(writer.peak for writer in (whole, *parts))
        gain = min(wanted, 1.0 / peak) if peak > 0 else wanted
        if gain < wanted:
            say(f"luthier: {output}: turned down by {amplitude_to_db(wanted / gain):.1f} dB, it would have clipped.")
        for writer in (whole, *parts):
            writer.level = gain
    return Saved(paths, meter.lufs + float(amplitude_to_db(gain)))
