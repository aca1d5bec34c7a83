from __future__ import annotations

import math

import pytest
import torch

from evaluation.sounds import RATE, level, melody, tone
from luthier.errors import RangeError
from luthier.evaluation.onsets import (
    RANGE_DB,
    band_levels_db,
    onset_flux,
    onset_found,
    onset_frames,
    onset_ms,
    spectral_flux_db,
)


def onsets(audio: torch.Tensor) -> list[int]:
    levels = band_levels_db(audio, sample_rate=RATE)
    flux = spectral_flux_db(levels, levels.amax(dim=(1, 2), keepdim=True) - RANGE_DB)
    return onset_frames(flux)[0].nonzero()[:, 0].tolist()


def test_the_onsets_of_a_melody_are_where_its_notes_begin() -> None:
    found = onsets(melody(note_seconds=0.25))
    # The first note begins with the clip: nothing rises there. A window of 32 ms hears a note up to 16 ms early.
    expected = [25, 50, 75, 100, 125]
    assert len(found) == len(expected)
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= 2


def test_a_steady_tone_has_no_onsets() -> None:
    assert onsets(tone(440, seconds=2)) == []
    assert math.isnan(onset_flux(tone(440), tone(440), sample_rate=RATE).item())


def test_equal_clips_and_quieter_copies_begin_alike() -> None:
    assert onset_flux(melody(), melody(), sample_rate=RATE).item() == 0
    softer = onset_flux(level(-3) * melody(), melody(), sample_rate=RATE).item()
    assert softer < 0.4


def test_notes_that_fade_in_differ_from_notes_that_begin_hard() -> None:
    hard = melody()
    faded = hard * (torch.arange(hard.shape[-1]) % 4000 / 2000).clamp_max(1)
    silence = torch.zeros_like(hard)
    assert onset_flux(faded, hard, sample_rate=RATE).item() > 1
    assert onset_flux(silence, hard, sample_rate=RATE).item() > 2


@pytest.mark.parametrize("late_ms", [0.0, 4.0, 15.0, 30.0])
def test_late_notes_are_late_by_as_much(late_ms: float) -> None:
    samples = round(late_ms * RATE / 1000)
    late = torch.nn.functional.pad(melody(), (samples, 0))[:, : melody().shape[-1]]
    assert onset_ms(late, melody(), sample_rate=RATE).item() == pytest.approx(late_ms, abs=4.0)


def test_where_no_note_begins_none_is_late() -> None:
    nothing = torch.zeros_like(melody())
    for output, reference in ((melody(), nothing), (torch.ones(1, 1), torch.ones(1, 1))):
        assert math.isnan(onset_ms(output, reference, sample_rate=RATE).item())
        assert math.isnan(onset_found(output, reference, sample_rate=RATE).item())


@pytest.mark.parametrize(("late_ms", "share"), [(0.0, 1.0), (30.0, 1.0), (100.0, 0.0)])
def test_notes_that_come_much_too_late_are_missing(late_ms: float, share: float) -> None:
    late = torch.nn.functional.pad(melody(), (round(late_ms * RATE / 1000), 0))[:, : melody().shape[-1]]
    assert onset_found(late, melody(), sample_rate=RATE).item() == share


def test_missing_notes_count() -> None:
    """Two of five beginnings are heard: the median is one that is missing."""
    muted = melody(note_seconds=0.25).clone()
    muted[:, round(0.6 * RATE) :] = 0.0
    reference = melody(note_seconds=0.25)
    assert onset_found(muted, reference, sample_rate=RATE).item() == pytest.approx(0.4)
    assert onset_ms(muted, reference, sample_rate=RATE).item() == 50.0
    assert onset_ms(torch.zeros_like(reference), reference, sample_rate=RATE).item() == 50.0


def test_batch_short_clips_and_nan() -> None:
    pair = torch.cat([melody(), tone(440, seconds=1.5)])
    both = onset_flux(0.5 * pair, pair, sample_rate=RATE)
    assert both[0].item() == pytest.approx(onset_flux(0.5 * melody(), melody(), sample_rate=RATE).item(), rel=1e-4)
    assert math.isnan(both[1].item())
    assert math.isnan(onset_flux(torch.ones(1, 1), torch.ones(1, 1), sample_rate=RATE).item())
    with pytest.raises(RangeError):
        onset_flux(torch.full((1, 1000), math.nan), torch.zeros(1, 1000), sample_rate=RATE)
