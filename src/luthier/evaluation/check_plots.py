"""Pictures of a check-up: which notes were played, and of each recording its pitch, loudness and spectrum."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from luthier.analysis.checkup_range import Range, Seconds, note_name
from luthier.data.check import CheckedFile
from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.evaluation.plots import COLUMNS, OUTPUT_COLOUR, REFERENCE_COLOUR, WIDTH_INCHES
from luthier.units import hz_to_midi, power_to_db

MARGIN_NOTES = 3
SPECTRUM_RANGE_DB = 110.0


def range_plot(seconds: Seconds, found: Range) -> Figure:
    """Seconds of each note, gaps marked; (128,) by MIDI number."""
    figure, axes = _figure(1, 2.6)
    axis = axes[0]
    lowest, highest = (found.lowest or 57), (found.highest or 81)
    notes = np.arange(max(0, lowest - MARGIN_NOTES), min(127, highest + MARGIN_NOTES) + 1)
    axis.bar(notes, seconds[notes], color=REFERENCE_COLOUR, width=0.85)
    for low, high in found.gaps:
        axis.axvspan(low - 0.5, high + 0.5, color=OUTPUT_COLOUR, alpha=0.25)
    ticks = [note for note in notes if note % 12 in (0, 7)]
    axis.set_xticks(ticks, [note_name(int(note)) for note in ticks])
    axis.set_ylabel("seconds", fontsize=8)
    return figure


def recording_plot(file: CheckedFile) -> Figure:
    """Pitch and loudness over time, and the two spectra, of one recording."""
    figure, axes = _figure(1, 2.3, columns=3)
    _draw_pitch(axes[0], file)
    _draw_loudness(axes[1], file)
    _draw_spectra(axes[2], file)
    return figure


def _figure(rows: int, row_inches: float, *, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH_INCHES, rows * row_inches), layout="constrained", facecolor="white")
    axes = list(np.atleast_1d(figure.subplots(rows, columns)).flat)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
        axis.margins(x=0)
    return figure, axes


def _every(file: CheckedFile) -> slice:
    """No more points than a page shows."""
    return slice(None, None, max(1, len(file.curves.f0_hz) // COLUMNS))


def _times(file: CheckedFile) -> np.ndarray:
    return np.arange(len(file.curves.f0_hz))[_every(file)] * file.curves.hop_length / file.checkup.sample_rate


def _draw_pitch(axis: Axes, file: CheckedFile) -> None:
    curves, every = file.curves, _every(file)
    midi = np.where(curves.periodicity >= VOICED_PERIODICITY, hz_to_midi(curves.f0_hz), np.nan)[every]
    axis.plot(_times(file), midi, ".", color=REFERENCE_COLOUR, markersize=1.5)
    low, high = axis.get_ylim()
    ticks = [note for note in range(int(low), int(high) + 2) if note % 12 in (0, 7) and low <= note <= high]
    axis.set_yticks(ticks, [note_name(note) for note in ticks])
    _label(axis, "Pitch", "seconds", "")


def _draw_loudness(axis: Axes, file: CheckedFile) -> None:
    axis.plot(_times(file), file.curves.loudness_db[_every(file)], color=REFERENCE_COLOUR, linewidth=0.8)
    _label(axis, "Loudness", "seconds", "dB")


def _draw_spectra(axis: Axes, file: CheckedFile) -> None:
    spectra = file.checkup.spectra
    khz = spectra.frequencies_hz / 1000
    every = slice(None, None, max(1, len(khz) // COLUMNS))
    for power, colour, name in (
        (spectra.mean_power, REFERENCE_COLOUR, "mean"),
        (spectra.floor_power, OUTPUT_COLOUR, "noise"),
    ):
        axis.plot(khz[every], power_to_db(power)[every], color=colour, linewidth=0.8, label=name)
    top = float(power_to_db(float(spectra.mean_power.max()))) + 3
    axis.set_ylim(top - SPECTRUM_RANGE_DB, top)
    axis.legend(fontsize=7, frameon=False)
    _label(axis, "Spectrum", "kHz", "dB")


def _label(axis: Axes, title: str, below: str, beside: str) -> None:
    axis.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axis.set_xlabel(below, fontsize=8)
    axis.set_ylabel(beside, fontsize=8)
