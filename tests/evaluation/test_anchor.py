from __future__ import annotations

import pytest
import torch

from evaluation.sounds import RATE, tone, white
from luthier.errors import RangeError
from luthier.evaluation.anchor import low_pass_anchor
from luthier.units import power_to_db


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100, 48000])
def test_the_anchor_keeps_what_lies_below_its_limit_and_nothing_above(sample_rate: int) -> None:
    noise = white(4 * sample_rate)
    window = torch.hann_window(noise.shape[-1])  # the noise is cut at its ends, which is a click
    before, after = (
        torch.fft.rfft(window * audio[0]).abs().square()
        for audio in (noise, low_pass_anchor(noise, sample_rate=sample_rate))
    )
    frequency_hz = torch.fft.rfftfreq(noise.shape[-1], 1 / sample_rate)

    def gain_db(low_hz: float, high_hz: float) -> float:
        band = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
        return float(power_to_db(after[band].sum() / before[band].sum()))

    assert gain_db(20, 3500) == pytest.approx(0, abs=0.1)
    assert gain_db(4000, 4500) < -25
    assert gain_db(4500, sample_rate / 2) < -50


def test_the_anchor_moves_nothing_in_time() -> None:
    audio = tone(440, n_harmonics=5)
    filtered = low_pass_anchor(audio, sample_rate=RATE)
    assert filtered.shape == audio.shape
    assert filtered.dtype == audio.dtype
    torch.testing.assert_close(filtered[:, 500:-500], audio[:, 500:-500], atol=2e-4, rtol=0)


def test_a_rate_without_anything_to_take_away_is_refused() -> None:
    with pytest.raises(RangeError, match="8000"):
        low_pass_anchor(tone(440), sample_rate=8000)
