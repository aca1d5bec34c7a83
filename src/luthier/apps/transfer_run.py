"""One file given to an instrument: measured, fitted, played, written and judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import torch
from torch import Tensor

from luthier.apps.cli.sounds import Level, Saved, refuse_silence, save_blocks, stem_names
from luthier.data.audio_files import BLOCK_SAMPLES, read_blocks
from luthier.data.stored_audio import decoded_audio
from luthier.dsp.signals import Controls, Features
from luthier.errors import RangeError
from luthier.evaluation.plots import save_figure, spectrogram_pair
from luthier.export.control_curves import is_control_curves, read_controls, save_controls
from luthier.export.midi_notes import save_notes
from luthier.features.extract import extract_features
from luthier.features.long_audio import LongAudio
from luthier.inference.diagnosis import Trouble, diagnose_input
from luthier.inference.fitting import Fitted
from luthier.inference.harmonic_health import HarmonicHealth
from luthier.inference.notes import find_notes
from luthier.inference.player import Player
from luthier.inference.rendering import EditControls, RenderedBlock, RoomChoice, played_tones, render_blocks
from luthier.inference.wishes import Wishes

PLOT_SECONDS = 30
"""What a picture can show."""


class Beside(NamedTuple):
    """What is written beside the sound.

    Attributes:
        stems: whether its parts are.
        curves: file for what was played, .csv or .npz.
        midi: file for the notes.
        plot: file for the spectrograms before and after, .png.
    """

    stems: bool = False
    curves: Path | None = None
    midi: Path | None = None
    plot: Path | None = None


class TransferPlan(NamedTuple):
    """How files are given to an instrument.

    Attributes:
        player: the instrument.
        wishes: see `Wishes`.
        place: where it is heard.
        level: how loud it becomes.
        region_seconds: the part that is played, its end None for that of the file.
        beside: what else is written.
        force: whether existing files are replaced.
    """

    player: Player
    wishes: Wishes
    place: RoomChoice = RoomChoice(rings_out=True)
    level: Level = Level()
    region_seconds: tuple[float, float | None] = (0.0, None)
    beside: Beside = Beside()
    force: bool = False


class _Input(NamedTuple):
    """What was measured: features, what is wrong with the sound, its beginning (1, n_samples)."""

    features: Features
    troubles: list[Trouble]
    beginning: Tensor


class Report(TypedDict, total=False):
    """What the command says of a file: keys of its JSON document.

    Attributes:
        output, stems: what was written.
        shift_semitones, loudness_shift_db, expression, scale: as in `Fitted`; only shift_semitones for curves.
        lufs: integrated loudness of the output.
        warnings: what may make it sound bad, one sentence each.
        diagnosis: the same as what, sentence and option.
    """

    output: Path
    stems: list[Path]
    shift_semitones: float
    loudness_shift_db: float
    expression: str
    scale: str | None
    lufs: float
    warnings: list[str]
    diagnosis: list[dict[str, str]]


def transfer_file(source: Path, output: Path, plan: TransferPlan) -> Report:
    """Play one sound file, or saved curves, with an instrument.

    Raises:
        LuthierError: something cannot be read, played or written.
    """
    if is_control_curves(source):
        return _play_curves(source, output, plan)
    heard = _listen(source, plan)
    fitted = plan.player.fit(heard.features, **plan.wishes)
    health = HarmonicHealth(fitted.gate.harmonic, plan.player.instrument.config.hop_length)
    played: list[Controls] | None = [] if plan.beside.curves else None
    blocks = _blocks(fitted.features, fitted.edit, plan)
    saved = _save(output, _observed(blocks, health, played), plan)
    frame_rate = plan.player.instrument.config.features.frame_rate
    if plan.beside.curves is not None and played:
        save_controls(plan.beside.curves, _joined(played), frame_rate, force=plan.force)
    if plan.beside.midi is not None:
        save_notes(plan.beside.midi, find_notes(fitted.features, frame_rate), frame_rate, force=plan.force)
    if plan.beside.plot is not None:
        _plot(plan.beside.plot, heard.beginning, output, plan)
    usual = plan.player.instrument.statistics.quantiles_of("noisiness_db")
    answered = health.diagnose(usual, fitted, plan.wishes)
    return _report(output, saved, fitted, [*fitted.diagnosis, *heard.troubles, *answered])


def _listen(source: Path, plan: TransferPlan) -> _Input:
    config = plan.player.instrument.config
    with decoded_audio(source, config.sample_rate) as whole:
        audio = cut(whole, plan.region_seconds, config.sample_rate)
        features = extract_features(audio, config.features)
        refuse_silence(source, features, config.features.loudness_floor_db)
        troubles = diagnose_input(audio, features, sample_rate=config.sample_rate, hop_length=config.hop_length)
        return _Input(features, troubles, audio.read(0, min(audio.n_samples, PLOT_SECONDS * config.sample_rate)))


def cut(audio: LongAudio, region_seconds: tuple[float, float | None], sample_rate: int) -> LongAudio:
    """A part of a clip.

    Raises:
        RangeError: the part is empty or begins outside the clip.
    """
    seconds = audio.n_samples / sample_rate
    start, stop = region_seconds[0], seconds if region_seconds[1] is None else min(region_seconds[1], seconds)
    is_part = 0.0 <= start < stop  # false for what is no number, too
    first, last = (round(start * sample_rate), round(stop * sample_rate)) if is_part else (0, 0)
    if first >= last:
        raise RangeError(f"from {start:g} s to {stop:g} s: expected a part of the {seconds:.2f} s that the input has.")
    return LongAudio(lambda begin, end: audio.read(first + begin, first + end), last - first)


def _observed(
    blocks: Iterable[RenderedBlock], health: HarmonicHealth, played: list[Controls] | None
) -> Iterator[RenderedBlock]:
    """The blocks, passed on while they are looked at."""
    for block in blocks:
        health.hear(block.stems)
        if played is not None:
            played.append(block.controls)
        yield block


def _play_curves(source: Path, output: Path, plan: TransferPlan) -> Report:
    """Play what was saved with `--save-curves`; nothing is fitted."""
    config = plan.player.instrument.config
    controls = read_controls(
        source, n_harmonics=config.n_harmonics, n_bands=config.n_bands, frame_rate=config.features.frame_rate
    )
    flat = torch.zeros_like(controls.f0_hz)
    features = Features(controls.f0_hz, flat, flat)
    blocks = _blocks(features, lambda _, frames: Controls(*(values[:, frames] for values in controls)), plan)
    saved = _save(output, blocks, plan)
    return {
        "output": output,
        "stems": saved.stems,
        "shift_semitones": 0.0,
        "lufs": saved.lufs,
        "warnings": [],
        "diagnosis": [],
    }


def _blocks(features: Features, edit: EditControls, plan: TransferPlan) -> Iterator[RenderedBlock]:
    """What is heard, the room as loud as the dry sound."""
    instrument = plan.player.instrument
    place = plan.place._replace(tones=played_tones(instrument, features, edit))
    return render_blocks(instrument, features, place, edit=edit)


def _save(output: Path, blocks: Iterable[RenderedBlock], plan: TransferPlan) -> Saved:
    return save_blocks(
        output,
        blocks,
        plan.player.sample_rate,
        level=plan.level,
        stems=stem_names(plan.player) if plan.beside.stems else (),
        n_channels=plan.place.n_channels,
        force=plan.force,
    )


def _joined(played: list[Controls]) -> Controls:
    return Controls(*(torch.cat(parts, dim=1) for parts in zip(*played, strict=True)))


def _plot(path: Path, before: Tensor, output: Path, plan: TransferPlan) -> None:
    blocks = islice(read_blocks(output), math.ceil(before.shape[1] / BLOCK_SAMPLES))  # not hours of it
    after = torch.from_numpy(np.concatenate(list(blocks)))[None, : before.shape[1]]
    figure = spectrogram_pair(before, after, sample_rate=plan.player.sample_rate)
    save_figure(path, figure, force=plan.force)


def _report(output: Path, saved: Saved, fitted: Fitted, diagnosis: list[Trouble]) -> Report:
    return {
        "output": output,
        "stems": saved.stems,
        "shift_semitones": fitted.shift_semitones,
        "loudness_shift_db": fitted.loudness_shift_db,
        "expression": fitted.expression,
        "scale": fitted.scale,
        "lufs": saved.lufs,
        "warnings": [str(trouble) for trouble in diagnosis],
        "diagnosis": [trouble._asdict() for trouble in diagnosis],
    }
