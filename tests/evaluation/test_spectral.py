from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from evaluation.sounds import RATE, level, melody, tone, white
from luthier.errors import RangeError, ShapeError
from luthier.evaluation.spectral import lsd_db, mel_db, mel_spectrogram_db, mel_weights, mss, mss_rel

Metric = Callable[[Tensor, Tensor], Tensor]
METRICS: dict[str, Metric] = {
    "mss": mss,
    "mss_rel": lambda output, reference: mss_rel(output, reference, sample_rate=RATE),
    "mel_db": lambda output, reference: mel_db(output, reference, sample_rate=RATE),
    "lsd_db": lsd_db,
}
each_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())


@each_metric
def test_a_clip_is_at_no_distance_from_itself(metric: Metric) -> None:
    assert metric(melody(), melody()).tolist() == [0.0]


@each_metric
def test_silence_is_further_away_than_noise_of_the_same_level_is_from_noise(metric: Metric) -> None:
    reference = white(RATE, seed=1)
    assert metric(torch.zeros_like(reference), reference) > 3 * metric(white(RATE, seed=2), reference) > 0


@each_metric
def test_a_clip_scores_the_same_in_any_batch(metric: Metric) -> None:
    quiet, loud = level(-20) * melody(), melody()
    both = metric(torch.cat([quiet, loud]), torch.cat([1.5 * quiet, white(loud.shape[-1])]))
    # float32 sums over other shapes: equal to a part in 100,000
    assert both[0].item() == pytest.approx(metric(quiet, 1.5 * quiet).item(), rel=1e-5)


@each_metric
@pytest.mark.parametrize("n_samples", [1, 20, 700, 1025])
def test_clips_shorter_than_a_window_have_a_score(metric: Metric, n_samples: int) -> None:
    reference = tone(440)[:, :n_samples] + 0.1
    assert metric(0.5 * reference, reference).item() > 0


@each_metric
def test_a_silent_reference_gives_a_finite_score(metric: Metric) -> None:
    silence = torch.zeros(1, 3000)
    assert metric(silence, silence).item() == 0
    assert 0 < metric(tone(440)[:, :3000], silence).item() < 1000


@each_metric
def test_clips_that_cannot_be_compared_are_refused(metric: Metric) -> None:
    clip = torch.zeros(1, 3000)
    with pytest.raises(ShapeError):
        metric(clip, clip[:, :-1])
    with pytest.raises(ShapeError):
        metric(clip[0], clip[0])
    with pytest.raises(ShapeError):
        metric(clip[:, :0], clip[:, :0])
    with pytest.raises(RangeError, match="output: holds NaN"):
        metric(torch.full_like(clip, math.nan), clip)
    with pytest.raises(RangeError, match="reference: holds NaN"):
        metric(clip, torch.full_like(clip, math.inf))


@pytest.mark.parametrize("gain_db", [-6.0, 3.0])
def test_a_change_of_level_is_that_many_db(gain_db: float) -> None:
    reference = white(2 * RATE)  # no band is near the floor
    changed = level(gain_db) * reference
    assert mel_db(changed, reference, sample_rate=RATE).item() == pytest.approx(abs(gain_db), abs=1e-3)
    # single bins of noise come near the floor
    assert lsd_db(changed, reference).item() == pytest.approx(abs(gain_db), abs=0.01)


def test_mss_of_a_gain_is_six_logarithms_and_the_linear_part() -> None:
    reference = white(2 * RATE)
    linear = sum(
        torch.stft(reference, n, n // 4, window=torch.hann_window(n), return_complex=True).abs().mean()
        for n in (64, 128, 256, 512, 1024, 2048)
    )
    expected = 6 * math.log(2) + float(linear)
    assert mss(2 * reference, reference).item() == pytest.approx(expected, rel=1e-4)


def test_lsd_is_the_mean_over_frames_of_the_rms_over_bins() -> None:
    output, reference = white(RATE, seed=1), white(RATE, seed=2)
    window = torch.hann_window(2048)
    levels, wanted = (
        20 * torch.stft(audio[0], 2048, 512, window=window, return_complex=True).abs().log10()
        for audio in (output, reference)
    )
    floor = wanted.max() - 80
    frames = (levels.clamp_min(floor) - wanted.clamp_min(floor)).T
    expected = sum(math.sqrt(float((frame**2).mean())) for frame in frames) / len(frames)
    assert lsd_db(output, reference).item() == pytest.approx(expected, rel=1e-4)


def test_mss_rel_forgives_what_is_far_below_the_loudest_and_mss_does_not() -> None:
    loud = torch.cat([tone(440), torch.zeros(1, RATE)], dim=-1)
    hiss = loud + white(loud.shape[-1], level=level(-110))
    assert mss_rel(hiss, loud, sample_rate=RATE).item() < 0.3
    assert mss(hiss, loud).item() > 1.5


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000])
def test_mel_distance_of_a_gain_is_the_same_at_every_rate(sample_rate: int) -> None:
    reference = white(sample_rate)
    assert mel_db(2 * reference, reference, sample_rate=sample_rate).item() == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize(("n_fft", "sample_rate"), [(512, 8000), (1024, 16000), (2822, 44100)])
def test_every_mel_band_hears_something_and_the_bands_cover_the_range(n_fft: int, sample_rate: int) -> None:
    weights = mel_weights(n_fft, sample_rate)
    assert weights.shape == (n_fft // 2 + 1, 80)
    assert (weights.sum(0) > 0).all()
    covered = weights.sum(1)
    between_first_and_last_centre = slice(int(weights[:, 0].argmax()) + 1, int(weights[:, -1].argmax()))
    torch.testing.assert_close(
        covered[between_first_and_last_centre],
        torch.ones(()).expand_as(covered[between_first_and_last_centre]),
        atol=1e-4,
        rtol=0,
    )


def test_a_high_tone_lies_in_a_higher_band_than_a_low_one() -> None:
    low, high = (
        int(mel_spectrogram_db(tone(f0_hz, n_harmonics=1), sample_rate=RATE).mean(1).argmax()) for f0_hz in (310, 2900)
    )
    # 2595 log10(1 + f / 700) in steps of 2840 / 81
    assert (low, high) == (11, 52)
