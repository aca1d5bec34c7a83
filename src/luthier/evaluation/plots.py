"""Pictures of sound: spectrograms, waveforms, pitch and loudness, controls, rooms, training curves.

Every function returns a matplotlib Figure of its own; no global state of matplotlib is touched.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from luthier.atomic import atomic_file, refuse_suffix
from luthier.dsp.signals import VOICED_PERIODICITY, Controls, Features
from luthier.dsp.spectra import stft_magnitude
from luthier.evaluation.room import decay_curve_db, direct_to_reverberant_db, octave_t60_seconds, tail_peak
from luthier.units import amplitude_to_db, hz_to_octaves, octaves_to_hz

SUFFIXES = (".png",)
"""Of pictures in files."""
RANGE_DB = 80.0
"""What a spectrogram shows below the reference's maximum."""
LOWEST_HZ = 60.0
"""Lower end of the frequency axis."""
ROWS = 360
"""Rows of a spectrogram image, spaced evenly in octaves."""
COLUMNS = 1200
"""Most columns of a spectrogram image: more than a page shows."""
WINDOW_SECONDS = 0.064
"""Long enough to separate the harmonics of a low voice (16 Hz a bin)."""
REFERENCE_COLOUR = "#3b4a5a"
OUTPUT_COLOUR = "#d1495b"
TICKS_HZ = (62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
FEWEST_TICKS = 2
"""An axis with fewer octaves than that has ticks within them, too: one number is no scale."""
WIDTH_INCHES = 9.0
ROW_INCHES = 2.3
DPI = 110


class TrainingCurve(NamedTuple):
    """Losses by step.

    Attributes:
        steps: training steps at which the loss was noted.
        losses: training loss.
        validation_steps: steps at which validation ran; may be empty.
        validation_losses: its results.
        floor: two takes of the same noise, on the scale of the losses; None where it is not known.
        oracle: the validation material analysed and played back, likewise.
    """

    steps: Sequence[float]
    losses: Sequence[float]
    validation_steps: Sequence[float] = ()
    validation_losses: Sequence[float] = ()
    floor: float | None = None
    oracle: float | None = None


class Heard(NamedTuple):
    """A clip and what is measured in it.

    Attributes:
        audio: (n_samples,) or (1, n_samples).
        features: (1, n_frames, 1) each; None where they are not to be shown.
    """

    audio: Tensor
    features: Features | None = None


def plot_stft_comparison(
    reference: Heard,
    output: Heard,
    *,
    sample_rate: int,
    hop_length: int,
    training: TrainingCurve | None = None,
    impulse_response: Tensor | None = None,
) -> Figure:
    """True and synthesised spectrogram on one colour scale, pitch, loudness, training loss and room, one below another.

    Args:
        reference: the true clip; pitch and loudness are shown where it has features.
        output: the synthesised clip, likewise.
        sample_rate: Hz.
        hop_length: of the features, samples.
        training: shown where given.
        impulse_response: (n_taps,), shown where given.

    Returns:
        The figure; see `figure_to_png`.
    """
    has_features = reference.features is not None
    n_extra = (training is not None) + (impulse_response is not None)
    figure, axes = _rows(2 + 2 * has_features + n_extra)
    _spectrograms(figure, axes[:2], (reference.audio, output.audio), sample_rate)
    rest = iter(axes[2:])
    if has_features:
        frame_rate = sample_rate / hop_length
        _draw_pitch(next(rest), reference.features, output.features, frame_rate)
        _draw_loudness(next(rest), reference.features, output.features, frame_rate)
    if training is not None:
        _draw_training(next(rest), training)
    if impulse_response is not None:
        _draw_impulse_response(next(rest), impulse_response, sample_rate)
    return figure


def spectrogram_pair(reference: Tensor, output: Tensor, *, sample_rate: int) -> Figure:
    """Two spectrograms of (n_samples,) or (1, n_samples), on one colour scale and one frequency axis."""
    figure, axes = _rows(2)
    _spectrograms(figure, axes, (reference, output), sample_rate)
    return figure


def spectrogram(audio: Tensor, *, sample_rate: int, title: str = "") -> Figure:
    """One spectrogram of (n_samples,) or (1, n_samples), scaled to its own maximum."""
    figure, axes = _rows(1)
    image = _draw_spectrogram(axes[0], audio, sample_rate, top_db=None, title=title)
    _colour_scale(figure, axes, image)
    return figure


def waveforms(clips: dict[str, Tensor], *, sample_rate: int) -> Figure:
    """Waveforms of (n_samples,) or (1, n_samples) below one another, on one scale, by name."""
    figure, axes = _rows(len(clips), row_inches=1.3)
    limit = max(float(audio.abs().max()) for audio in clips.values()) or 1.0
    for axis, (name, audio) in zip(axes, clips.items(), strict=True):
        _draw_waveform(axis, audio, sample_rate, title=name)
        axis.set_ylim(-limit, limit)
    return figure


def feature_overlay(reference: Features, output: Features, *, frame_rate: float) -> Figure:
    """Pitch and loudness of reference and output on top of each other; (1, n_frames, 1) each."""
    figure, axes = _rows(2)
    _draw_pitch(axes[0], reference, output, frame_rate)
    _draw_loudness(axes[1], reference, output, frame_rate)
    return figure


def controls_plot(controls: Controls, *, sample_rate: int, hop_length: int) -> Figure:
    """What the synthesisers play: pitch, level of the harmonics' sum, each harmonic, each noise band, over time.

    Args:
        controls: of one clip, (1, n_frames, ...) each.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
    """
    figure, axes = _rows(4)
    frame_rate = sample_rate / hop_length
    level_db = amplitude_to_db(controls.amplitude)[0, :, 0]
    seconds = np.arange(len(level_db)) / frame_rate
    f0_octaves = hz_to_octaves(controls.f0_hz.detach())[0, :, 0]
    for axis, values, title in ((axes[0], f0_octaves, "Pitch"), (axes[1], level_db, "Amplitude")):
        axis.plot(seconds, values.detach().cpu().numpy(), color=REFERENCE_COLOUR, linewidth=1.1)
        axis.margins(x=0)
        axis.grid(alpha=0.25)
        _title(axis, title)
    _hz_ticks(axes[0])
    axes[1].set_ylim(float(level_db.max()) - RANGE_DB, float(level_db.max()) + 3)
    axes[1].set_ylabel("dB", fontsize=8)
    harmonics = controls.amplitude * controls.harmonic_distribution
    images = [
        _draw_channels(axes[2], harmonics, frame_rate, (0.5, harmonics.shape[-1] + 0.5), "Harmonics"),
        _draw_channels(axes[3], controls.noise_magnitudes, frame_rate, (0, sample_rate / 2), "Noise bands"),
    ]
    for axis, image, unit in zip(axes[2:], images, ("number", "Hz"), strict=True):
        axis.set_ylabel(unit, fontsize=8)
        _colour_scale(figure, [axis], image)
    return figure


def room_plot(impulse_response: Tensor, *, sample_rate: int) -> Figure:
    """An impulse response (n_taps,) as a waveform and as a decay curve, with its T60 and DRR."""
    figure, axes = _rows(2)
    _draw_impulse_response(axes[0], impulse_response, sample_rate)
    _draw_decay(axes[1], impulse_response, sample_rate)
    return figure


def training_plot(training: TrainingCurve) -> Figure:
    """Training and validation loss by step."""
    figure, axes = _rows(1)
    _draw_training(axes[0], training)
    return figure


def figure_to_png(figure: Figure) -> bytes:
    """Encode a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def save_figure(path: Path, figure: Figure, *, force: bool = False) -> None:
    """Write a figure as a PNG file.

    Raises:
        OutputError: another suffix, the file exists and `force` is not set, or the place cannot be written to.
    """
    refuse_suffix(path, "pictures", SUFFIXES)
    with atomic_file(path, force=force) as temporary:
        temporary.write_bytes(figure_to_png(figure))


def _rows(count: int, *, row_inches: float = ROW_INCHES) -> tuple[Figure, list[Axes]]:
    """A figure of `count` plots below one another."""
    figure = Figure(figsize=(WIDTH_INCHES, row_inches * count + 0.2), layout="constrained", facecolor="white")
    axes = list(np.atleast_1d(figure.subplots(count, 1)))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("seconds", fontsize=8)
    return figure, axes


def _title(axis: Axes, text: str) -> None:
    axis.set_title(text, loc="left", fontsize=9, fontweight="bold")


def _spectrograms(figure: Figure, axes: Sequence[Axes], audio: tuple[Tensor, Tensor], sample_rate: int) -> None:
    """Both on the reference's scale; the second may be louder and is then shown at the top colour."""
    top_db = float(_log_spectrogram_db(audio[0], sample_rate).max())
    _draw_spectrogram(axes[0], audio[0], sample_rate, top_db=top_db, title="Recording")
    image = _draw_spectrogram(axes[1], audio[1], sample_rate, top_db=top_db, title="Instrument")
    _colour_scale(figure, axes, image)


def _colour_scale(figure: Figure, axes: Sequence[Axes], image: AxesImage) -> None:
    scale = figure.colorbar(image, ax=list(axes), pad=0.01, aspect=20 * len(axes))
    scale.set_label("dB", fontsize=8)
    scale.ax.tick_params(labelsize=8)


def _draw_spectrogram(axis: Axes, audio: Tensor, sample_rate: int, *, top_db: float | None, title: str) -> AxesImage:
    """Draw levels relative to `top_db`, or to the clip's own maximum where that is None."""
    levels_db = _log_spectrogram_db(audio, sample_rate)
    levels_db = levels_db - (levels_db.max() if top_db is None else top_db)
    low, high = np.log2(LOWEST_HZ), np.log2(sample_rate / 2)
    image = axis.imshow(
        levels_db,
        origin="lower",
        aspect="auto",
        extent=(0, audio.shape[-1] / sample_rate, low, high),
        cmap="magma",
        vmin=-RANGE_DB,
        vmax=0,
        interpolation="bilinear",
    )
    ticks = [hz for hz in TICKS_HZ if LOWEST_HZ <= hz <= sample_rate / 2]
    axis.set_yticks(np.log2(ticks), [_hz_label(hz) for hz in ticks])
    axis.set_ylabel("Hz", fontsize=8)
    _title(axis, title)
    return image


def _log_spectrogram_db(audio: Tensor, sample_rate: int) -> np.ndarray:
    """Levels (ROWS, n_columns) in dB on frequencies spaced evenly in octaves, read between the bins of an STFT."""
    audio = audio.detach().reshape(1, -1).cpu().float()
    n_fft = 2 * round(WINDOW_SECONDS * sample_rate / 2)
    hop_length = max(n_fft // 8, -(-audio.shape[-1] // COLUMNS))
    levels_db = amplitude_to_db(stft_magnitude(audio, n_fft=n_fft, hop_length=hop_length))[0].T  # (n_bins, n_columns)
    octaves = torch.linspace(float(np.log2(LOWEST_HZ)), float(np.log2(sample_rate / 2)), ROWS)
    bins = (octaves_to_hz(octaves) * n_fft / sample_rate).clamp_max(levels_db.shape[0] - 1)
    lower = bins.long().clamp_max(levels_db.shape[0] - 2)
    return torch.lerp(levels_db[lower], levels_db[lower + 1], (bins - lower).unsqueeze(1)).numpy()


def _draw_channels(axis: Axes, levels: Tensor, frame_rate: float, bounds: tuple[float, float], title: str) -> AxesImage:
    """Draw linear levels (1, n_frames, n_channels) in dB as an image, the first channel at the bottom."""
    levels_db = amplitude_to_db(levels.detach())[0].T.cpu().numpy()
    image = axis.imshow(
        levels_db,
        origin="lower",
        aspect="auto",
        extent=(0, levels_db.shape[1] / frame_rate, *bounds),
        cmap="magma",
        vmin=levels_db.max() - RANGE_DB,
        vmax=levels_db.max(),
        interpolation="nearest",
    )
    _title(axis, title)
    return image


def _draw_pitch(axis: Axes, reference: Features | None, output: Features | None, frame_rate: float) -> None:
    for features, colour, name, width in _overlaid(reference, output):
        f0_hz = features.f0_hz.reshape(-1).double().numpy()
        is_voiced = features.periodicity.reshape(-1).numpy() >= VOICED_PERIODICITY
        octaves = np.where(is_voiced, hz_to_octaves(f0_hz), np.nan)
        axis.plot(np.arange(len(octaves)) / frame_rate, octaves, color=colour, linewidth=width, label=name)
    _hz_ticks(axis)
    _finish_overlay(axis, "Pitch")


def _hz_ticks(axis: Axes) -> None:
    """Label an axis in octaves in Hz."""
    low, high = axis.get_ylim()
    ticks = _inside(TICKS_HZ, low, high)
    if len(ticks) < FEWEST_TICKS:
        ticks = _inside(MaxNLocator(nbins=4).tick_values(2**low, 2**high), low, high)
    axis.set_yticks(np.log2(ticks), [_hz_label(hz) for hz in ticks])
    axis.set_ylabel("Hz", fontsize=8)


def _inside(ticks_hz: Iterable[float], low: float, high: float) -> list[float]:
    """Those that lie between two ends, which are in octaves."""
    return [float(hz) for hz in ticks_hz if 2**low <= hz <= 2**high]


def _draw_loudness(axis: Axes, reference: Features | None, output: Features | None, frame_rate: float) -> None:
    for features, colour, name, width in _overlaid(reference, output):
        level = features.loudness_db.reshape(-1).numpy()
        axis.plot(np.arange(len(level)) / frame_rate, level, color=colour, linewidth=width, label=name)
    axis.set_ylabel("dB", fontsize=8)
    _finish_overlay(axis, "Loudness")


def _overlaid(reference: Features | None, output: Features | None) -> list[tuple[Features, str, str, float]]:
    """What to draw, in which colour, under which name and how thick: the reference lies broad below."""
    rows = [(reference, REFERENCE_COLOUR, "recording", 2.4), (output, OUTPUT_COLOUR, "instrument", 1.1)]
    return [(features, *style) for features, *style in rows if features is not None]  # type: ignore[misc]


def _finish_overlay(axis: Axes, title: str) -> None:
    axis.margins(x=0)
    axis.grid(alpha=0.25)
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.97), fontsize=8, ncols=4, frameon=False)
    _title(axis, title)


def _draw_waveform(axis: Axes, audio: Tensor, sample_rate: int, *, title: str) -> None:
    """Lowest and highest sample of each column: every peak is seen at any length."""
    samples = audio.detach().reshape(-1).cpu().numpy()
    per_column = max(1, -(-len(samples) // COLUMNS))
    padded = np.pad(samples, (0, -len(samples) % per_column), mode="edge").reshape(-1, per_column)
    seconds = np.arange(len(padded)) * per_column / sample_rate
    axis.fill_between(seconds, padded.min(1), padded.max(1), color=REFERENCE_COLOUR, linewidth=0.6)
    axis.set_xlim(0, max(2, len(samples)) / sample_rate)
    axis.set_ylabel("amplitude", fontsize=8)
    _title(axis, title)


def _draw_impulse_response(axis: Axes, impulse_response: Tensor, sample_rate: int) -> None:
    """The reflections fill the picture, even where the direct sound is many times larger."""
    _draw_waveform(axis, impulse_response, sample_rate, title="Impulse response")
    limit, direct = 1.1 * tail_peak(impulse_response, sample_rate), float(impulse_response.detach().abs().max())
    if 0 < limit < direct:
        axis.set_ylim(-limit, limit)
        _title(axis, f"Impulse response (direct sound, cut off here: {direct:.2g})")


def _draw_decay(axis: Axes, impulse_response: Tensor, sample_rate: int) -> None:
    curve = decay_curve_db(impulse_response).cpu().numpy()
    t60_seconds = octave_t60_seconds(impulse_response, sample_rate)
    ratio_db = direct_to_reverberant_db(impulse_response, sample_rate)
    axis.plot(np.arange(len(curve)) / sample_rate, curve, color=OUTPUT_COLOUR)
    axis.set_ylim(-RANGE_DB, 3)
    axis.set_xlim(0, max(2, len(curve)) / sample_rate)
    axis.grid(alpha=0.25)
    axis.set_ylabel("energy to come, dB", fontsize=8)
    _title(axis, f"Decay: T60 {t60_seconds:.2f} s, direct/reverberant {ratio_db:.1f} dB")


def _draw_training(axis: Axes, training: TrainingCurve) -> None:
    axis.plot(training.steps, training.losses, color=REFERENCE_COLOUR, linewidth=0.9, alpha=0.7, label="training")
    if len(training.validation_steps):
        axis.plot(
            training.validation_steps, training.validation_losses, "o-", color=OUTPUT_COLOUR, ms=3, label="validation"
        )
    for name, level, style in (("oracle", training.oracle, "--"), ("floor", training.floor, ":")):
        if level is not None:
            axis.axhline(level, color=REFERENCE_COLOUR, linewidth=0.9, linestyle=style, label=name)
    axis.set_xlabel("step", fontsize=8)
    axis.set_ylabel("loss", fontsize=8)
    _finish_overlay(axis, "Training")


def _hz_label(hz: float) -> str:
    return f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"
