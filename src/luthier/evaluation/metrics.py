"""All scores of an output against its reference, by name."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

from torch import Tensor

from luthier.evaluation.dynamics import loudness_db_l1, rests_db
from luthier.evaluation.onsets import onset_flux, onset_found, onset_ms
from luthier.evaluation.pitch import PitchErrors, YinTrack, pitch_errors
from luthier.evaluation.spectral import lsd_db, mel_db, mss, mss_rel

SpectralMetric = Callable[[Tensor, Tensor, int], Tensor]

FRAMED_METRICS: dict[str, SpectralMetric] = {
    "mss": lambda output, reference, _: mss(output, reference),
    "mss_rel": lambda output, reference, rate: mss_rel(output, reference, sample_rate=rate),
    "mel_db": lambda output, reference, rate: mel_db(output, reference, sample_rate=rate),
    "loudness_db_l1": lambda output, reference, rate: loudness_db_l1(output, reference, sample_rate=rate),
}
"""Metrics that mean little without floor, oracle and base beside them."""

PLAIN_METRICS: dict[str, SpectralMetric] = {
    "lsd_db": lambda output, reference, _: lsd_db(output, reference),
    "onset_flux": lambda output, reference, rate: onset_flux(output, reference, sample_rate=rate),
    "onset_ms": lambda output, reference, rate: onset_ms(output, reference, sample_rate=rate),
    "rests_db": lambda output, reference, rate: rests_db(output, reference, sample_rate=rate),
    "onset_found": lambda output, reference, rate: onset_found(output, reference, sample_rate=rate),
}

PITCH_METRICS = PitchErrors._fields

MEDIAN_METRICS = ("f0_cents", "onset_ms")
"""Medians within a clip, and so over clips: one that is an octave off does not speak for the others."""

MEANINGS = {
    "mss": "Distance of the spectra at six time scales, as in published work; two takes of the same noise differ, by the floor.",
    "mss_rel": "The same, blind to what lies 80 dB below the loudest, in windows that last as long at every sample rate: the "
    "one number to compare instruments by.",
    "mel_db": "Mean difference in level over time and pitch range, in dB: how well the timbre is matched.",
    "lsd_db": "Difference of the fine spectrum in dB, frame by frame.",
    "loudness_db_l1": "Mean difference in loudness, in dB: below 1 dB is hard to hear.",
    "f0_cents": "Median error of the pitch in cents (hundredths of a semitone), by an independent tracker.",
    "rpa50": "Share of the pitched time that is within half a semitone of the right pitch.",
    "f0_octave_errors": "Share of the pitched time that is off by an octave or more.",
    "false_pitch": "Of the time in which the recording has no pitch, the share in which the instrument has one.",
    "rests_db": "Loudest level where the recording rests, against the loudest of all, in dB: below -60 dB is silence.",
    "onset_flux": "Difference in how sharply notes begin, in dB a frame.",
    "onset_ms": "Median distance of the notes' beginnings from the recording's, in milliseconds: below 10 ms is together.",
    "onset_found": "Share of the recording's beginnings of notes that are heard within 50 ms; the others count as 50 ms.",
}
"""One sentence on each metric, for people."""


def score_clip(
    output: Tensor, reference: Tensor, *, sample_rate: int, wanted: YinTrack | None = None
) -> dict[str, float]:
    """Every metric of one clip.

    Args:
        output: (1, n_samples), at the level of the recording.
        reference: (1, n_samples).
        sample_rate: Hz.
        wanted: `melody_of` the reference, where it is known already: it takes longer than all else.

    Returns:
        Name of the metric to its value; NaN where the reference has no pitch or no onset to compare.

    Raises:
        ShapeError: the shapes differ or are not (1, n_samples).
        RangeError: a sample is not a finite number.
    """
    metrics = {**FRAMED_METRICS, **PLAIN_METRICS}
    scores = {name: float(metric(output, reference, sample_rate)) for name, metric in metrics.items()}
    (pitch,) = pitch_errors(output, reference, sample_rate=sample_rate, wanted=wanted)
    return {**scores, **pitch._asdict()}


def framed_scores(output: Tensor, reference: Tensor, *, sample_rate: int) -> dict[str, float]:
    """The metrics that are also taken of floor, oracle and base; arguments and errors as in `score_clip`."""
    return {name: float(metric(output, reference, sample_rate)) for name, metric in FRAMED_METRICS.items()}


def average_scores(rows: list[dict[str, float]]) -> dict[str, float]:
    """Average of each metric over clips: the mean, and of those in `MEDIAN_METRICS` the median.

    Clips that have no value (NaN) are left out; NaN where none has one.
    """
    return {name: _average(name, [row[name] for row in rows]) for name in rows[0]} if rows else {}


def _average(name: str, values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return math.nan
    return statistics.median(known) if name in MEDIAN_METRICS else sum(known) / len(known)
