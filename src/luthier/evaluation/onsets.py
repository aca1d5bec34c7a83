"""Whether notes begin as sharply, and at the same moments, as in the reference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.evaluation.pairs import check_pair
from luthier.evaluation.spectral import mel_spectrogram_db

WINDOW_AT_16K = 512
"""32 ms: half of `mel_db`'s window, which smears what is to be timed."""
HOP_AT_16K = 160
"""10 ms."""
RANGE_DB = 50.0
"""Rises from further below the loudest band are noise and reverberation, which rise all the time."""
EDGE_FRAMES = 2
"""Windows over an end of the clip see its mirror image: what rises there is no note."""
NEIGHBOURHOOD_FRAMES = 3
"""30 ms to either side of an onset are compared, and hold no second onset."""
BACKGROUND_FRAMES = 10
"""100 ms to either side are what an onset must stand out from."""
SALIENCE_DB = 0.7
"""Rise, as a mean over all bands, above the mean of the background that makes a peak an onset. On half a minute of
legato violin 94 % of the changes of pitch have an onset within 40 ms (47 % would by chance); at 1.0 it is 85 %."""

HOP_MS = 10.0
FARTHEST_MS = 50.0
"""An onset farther away is another note's: what has no nearer one is missing."""


def band_levels_db(audio: Tensor, *, sample_rate: int) -> Tensor:
    """The mel spectrogram that onsets are sought in: 32 ms windows every 10 ms; (batch, n_frames, 80)."""
    return mel_spectrogram_db(audio, sample_rate=sample_rate, window_at_16k=WINDOW_AT_16K, hop_at_16k=HOP_AT_16K)


def spectral_flux_db(levels_db: Tensor, floor_db: Tensor) -> Tensor:
    """How much the bands of a mel spectrogram rise from one 10 ms frame to the next.

    Args:
        levels_db: (batch, n_frames, n_bands), see `band_levels_db`.
        floor_db: (batch, 1, 1), level below which nothing counts.

    Returns:
        (batch, n_frames), dB, mean over bands of the half-wave-rectified rise; 0 in the two frames at either end.
    """
    rise = F.pad(levels_db.maximum(floor_db).diff(dim=1).clamp_min(0).mean(dim=2), (1, 0))
    rise[:, :EDGE_FRAMES] = 0
    rise[:, -EDGE_FRAMES:] = 0
    return rise


def onset_frames(flux_db: Tensor) -> Tensor:
    """Mark the frames where notes begin: peaks of the flux that stand out from their surroundings.

    Args:
        flux_db: (batch, n_frames).

    Returns:
        (batch, n_frames), bool.

    Source: Bello et al. 2005, sections III.B and IV (spectral flux, adaptive threshold).
    """
    highest = F.max_pool1d(flux_db, 2 * NEIGHBOURHOOD_FRAMES + 1, stride=1, padding=NEIGHBOURHOOD_FRAMES)
    background = F.avg_pool1d(
        flux_db, 2 * BACKGROUND_FRAMES + 1, stride=1, padding=BACKGROUND_FRAMES, count_include_pad=False
    )
    return (flux_db == highest) & (flux_db > background + SALIENCE_DB)


def onset_flux(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """Mean absolute difference of spectral flux within 30 ms of the reference's onsets.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.

    Returns:
        (batch,), dB a frame; NaN for a clip in which no note begins.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    found, wanted = _fluxes_db(output, reference, sample_rate)
    near = F.max_pool1d(
        onset_frames(wanted).float(), 2 * NEIGHBOURHOOD_FRAMES + 1, stride=1, padding=NEIGHBOURHOOD_FRAMES
    )
    distance = ((found - wanted).abs() * near).sum(1) / near.sum(1)
    return torch.where(near.any(1), distance, torch.nan)


def onset_ms(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """How far the output's onsets are from the reference's: their median; an onset without a partner is 50 ms off.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.

    Returns:
        (batch,), ms, to within 4 (frames are 10 ms apart); NaN for a clip in which no note begins.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    distances = _distances_ms(output, reference, sample_rate)
    return torch.stack([each.quantile(0.5) if len(each) else each.new_tensor(torch.nan) for each in distances])


def onset_found(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """Share of the reference's onsets that have one in the output within 50 ms.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.

    Returns:
        (batch,), 0 to 1; NaN for a clip in which no note begins.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    distances = _distances_ms(output, reference, sample_rate)
    return torch.stack([(each < FARTHEST_MS).float().mean() for each in distances])


def _fluxes_db(output: Tensor, reference: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Of both, (batch, n_frames) each, above one floor."""
    check_pair(output, reference)
    levels, wanted_levels = (band_levels_db(audio, sample_rate=sample_rate) for audio in (output, reference))
    floor_db = wanted_levels.amax(dim=(1, 2), keepdim=True) - RANGE_DB
    return spectral_flux_db(levels, floor_db), spectral_flux_db(wanted_levels, floor_db)


def _distances_ms(output: Tensor, reference: Tensor, sample_rate: int) -> list[Tensor]:
    """For each clip how far the nearest onset is from each of the reference's, at most 50: (n_onsets,)."""
    found, wanted = _fluxes_db(output, reference, sample_rate)
    pairs = [(onset_moments_ms(one), onset_moments_ms(other)) for one, other in zip(found, wanted, strict=True)]
    distances = [(moments[None] - wanted_moments[:, None]).abs() for moments, wanted_moments in pairs]
    return [F.pad(each, (0, 1), value=FARTHEST_MS).amin(dim=1) for each in distances]


def onset_moments_ms(flux_db: Tensor) -> Tensor:
    """Where notes begin, between frames: the top of the parabola through each peak and its neighbours.

    Args:
        flux_db: (n_frames,).

    Returns:
        (n_onsets,), ms from the middle of the first frame.
    """
    peaks = onset_frames(flux_db[None])[0].nonzero()[:, 0].clamp(1, len(flux_db) - 2)
    before, top, after = flux_db[peaks - 1], flux_db[peaks], flux_db[peaks + 1]
    bend = (2.0 * top - before - after).clamp_min(1e-6)
    return HOP_MS * (peaks + (0.5 * (after - before) / bend).clamp(-0.5, 0.5))
