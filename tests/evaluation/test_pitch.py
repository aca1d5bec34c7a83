from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from evaluation.sounds import RATE, melody, tone, white
from luthier.dsp.resampling import resample
from luthier.errors import RangeError, ShapeError
from luthier.evaluation.pitch import CONFIDENT, pitch_errors, track_yin
from luthier.units import cents_to_ratio, ratio_to_cents


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100])
@pytest.mark.parametrize("f0_hz", [55.0, 196.0, 440.0, 1318.5, 2217.5])
def test_a_steady_tone_is_tracked_to_two_cents(f0_hz: float, sample_rate: int) -> None:
    audio = tone(f0_hz, seconds=0.5, sample_rate=sample_rate)
    track = track_yin(audio, sample_rate=sample_rate, hop_length=sample_rate // 100)
    inside = slice(5, -5)  # the windows at the ends hold silence too
    assert ratio_to_cents(track.f0_hz[:, inside] / f0_hz).abs().max() < 2.0
    assert track.confidence[:, inside].min() > 0.99


def test_frame_t_describes_the_audio_around_sample_t_times_hop() -> None:
    audio = torch.cat([tone(300, seconds=0.5), tone(450, seconds=0.5)], dim=-1)
    track = track_yin(audio, sample_rate=RATE, hop_length=160)
    is_high = track.f0_hz[0, 5:-5] > 367
    first_high = 5 + int(is_high.int().argmax())
    assert track.f0_hz.shape == (1, 100)
    assert abs(first_high - 50) <= 1


def test_a_note_that_rings_on_does_not_pull_the_next_one_down_to_a_common_subharmonic() -> None:
    audio = tone(500) + 0.2 * tone(400)  # both fit 100 Hz
    track = track_yin(audio, sample_rate=RATE, hop_length=160)
    assert ratio_to_cents(track.f0_hz[:, 5:-5] / 500).abs().median() < 20
    assert track.f0_hz[:, 5:-5].min() > 400


def test_a_note_whose_odd_harmonics_fade_for_a_moment_stays_in_its_octave() -> None:
    """As on a cello: the even harmonics alone would be a note an octave higher."""
    harmonics = [tone(355 * number, n_harmonics=1) for number in (1, 2, 3, 4)]
    fade = torch.ones(RATE)
    fade[RATE // 2 : 3 * RATE // 4] = 0.2
    audio = fade * (harmonics[0] + harmonics[2]) + harmonics[1] + harmonics[3]
    track = track_yin(audio, sample_rate=RATE, hop_length=160)
    assert ratio_to_cents(track.f0_hz[:, 5:-5] / 355).abs().max() < 20


def test_a_note_an_octave_higher_is_not_taken_for_a_fade() -> None:
    audio = torch.cat([tone(355, seconds=0.4), tone(710, seconds=0.2), tone(355, seconds=0.4)], dim=-1)
    f0_hz = track_yin(audio, sample_rate=RATE, hop_length=160).f0_hz[0]
    assert ratio_to_cents(f0_hz[44:56] / 710).abs().max() < 20
    assert ratio_to_cents(f0_hz[5:36] / 355).abs().max() < 20


def test_a_quick_glide_that_grows_is_read_at_its_moment() -> None:
    """In a long window the loud end would weigh most."""
    time = torch.arange(RATE) / RATE
    octaves = 3.0 * time  # 36 semitones a second, as in speech
    phase = 200.0 * (2.0**octaves - 1) / (3.0 * math.log(2.0))
    growing = 10 ** (80 * (time - 1) / 20)
    audio = (growing * sum(torch.sin(2 * math.pi * k * phase) / k for k in range(1, 5))).unsqueeze(0)
    f0_hz = track_yin(audio.float(), sample_rate=RATE, hop_length=160).f0_hz[0]
    cents = ratio_to_cents(f0_hz / (200.0 * 2.0 ** octaves[::160]))
    assert cents[20:-5].abs().median() < 6


def test_a_frame_counts_only_if_the_whole_window_is_as_periodic_as_its_half() -> None:
    audio = torch.cat([tone(300, seconds=0.5), tone(415, seconds=0.5)], dim=-1)
    confidence = track_yin(audio, sample_rate=RATE, hop_length=160).confidence[0]
    assert confidence[48] > 0.99
    assert confidence[49] < CONFIDENT  # its half, from 480 to 500 ms, knows nothing of the other note


def test_white_noise_is_not_confidently_pitched() -> None:
    track = track_yin(white(RATE), sample_rate=RATE, hop_length=160)
    assert (track.confidence >= CONFIDENT).float().mean() < 0.02


def test_silence_and_constant_offset_have_no_confidence() -> None:
    for audio in (torch.zeros(1, 4000), torch.full((1, 4000), 0.3)):
        track = track_yin(audio, sample_rate=RATE, hop_length=160)
        middle = slice(5, -5)  # at its ends the offset begins and stops
        assert track.confidence[:, middle].max() == 0
        assert torch.equal(track.f0_hz[:, middle], torch.full_like(track.f0_hz[:, middle], 50.0))


def test_clips_of_a_batch_do_not_touch_each_other() -> None:
    one, other = tone(220), melody()[:, :RATE]
    both = track_yin(torch.cat([one, other]), sample_rate=RATE, hop_length=160)
    alone = track_yin(other, sample_rate=RATE, hop_length=160)
    assert torch.equal(both.f0_hz[1:], alone.f0_hz)


@pytest.mark.parametrize("n_samples", [1, 159, 161])
def test_clips_shorter_than_a_window_are_tracked(n_samples: int) -> None:
    track = track_yin(tone(220)[:, :n_samples], sample_rate=RATE, hop_length=160)
    assert track.f0_hz.isfinite().all()
    assert track.f0_hz.shape == (1, math.ceil(n_samples / 160))


def test_a_range_of_pitches_beyond_the_sample_rate_is_refused() -> None:
    with pytest.raises(RangeError, match="sample_rate / 4"):
        track_yin(tone(220), sample_rate=RATE, hop_length=160, f0_max_hz=5000)


def test_a_low_sample_rate_has_a_lower_highest_pitch() -> None:
    track = track_yin(tone(440, sample_rate=8000), sample_rate=8000, hop_length=80)
    assert track.f0_hz.amax() <= 2000.0
    assert float(ratio_to_cents(track.f0_hz[0, 10:-10] / 440.0).abs().median()) < 5.0


def test_a_tone_100_cents_sharp_is_100_cents_off() -> None:
    (errors,) = pitch_errors(tone(440 * cents_to_ratio(100.0)), tone(440), sample_rate=RATE)
    assert errors.f0_cents == pytest.approx(100, abs=1)
    assert errors.rpa50 < 0.02
    assert errors.f0_octave_errors == 0


def test_the_same_melody_has_no_errors() -> None:
    (errors,) = pitch_errors(melody(), melody(), sample_rate=RATE)
    assert errors[:3] == (0.0, 1.0, 0.0)


def test_an_octave_up_is_an_octave_error() -> None:
    (errors,) = pitch_errors(tone(880), tone(440), sample_rate=RATE)
    assert errors.f0_octave_errors > 0.95


def test_a_silent_output_keeps_no_melody() -> None:
    (errors,) = pitch_errors(torch.zeros_like(melody()), melody(), sample_rate=RATE)
    assert errors.rpa50 == 0
    assert errors.f0_cents > 1000


def test_a_reference_without_pitch_gives_nan() -> None:
    (errors,) = pitch_errors(tone(440), torch.zeros(1, RATE), sample_rate=RATE)
    assert all(math.isnan(value) for value in errors[:3])


def test_a_pitch_where_the_reference_has_none_is_false() -> None:
    noise = white(RATE)
    half = torch.cat([noise[:, : RATE // 2], tone(440)[:, : RATE // 2]], dim=1)
    assert pitch_errors(tone(440), noise, sample_rate=RATE)[0].false_pitch > 0.95
    assert pitch_errors(tone(440), torch.zeros(1, RATE), sample_rate=RATE)[0].false_pitch > 0.95
    assert pitch_errors(half, noise, sample_rate=RATE)[0].false_pitch == pytest.approx(0.5, abs=0.05)
    assert pitch_errors(noise, noise, sample_rate=RATE)[0].false_pitch == 0
    assert math.isnan(pitch_errors(noise, tone(440), sample_rate=RATE)[0].false_pitch)


def test_nan_and_different_lengths_are_refused() -> None:
    with pytest.raises(RangeError, match="NaN"):
        pitch_errors(torch.full((1, 100), math.nan), torch.zeros(1, 100), sample_rate=RATE)
    with pytest.raises(ShapeError):
        pitch_errors(torch.zeros(1, 99), torch.zeros(1, 100), sample_rate=RATE)


def test_agrees_with_a_hand_annotated_voice(shared_audio: Path) -> None:
    samples, rate = soundfile.read(shared_audio / "voice" / "vocadito_1.flac", dtype="float32", frames=12 * 44100)
    audio = resample(torch.from_numpy(samples).unsqueeze(0), rate, RATE)
    track = track_yin(audio, sample_rate=RATE, hop_length=160)
    times, annotated = np.loadtxt(shared_audio / "voice" / "vocadito_1_f0.csv", delimiter=",").T
    nearest = np.abs(times[:, None] - np.arange(track.f0_hz.shape[1]) * 0.01).argmin(0)
    f0_hz = torch.from_numpy(annotated[nearest]).float()
    both = (f0_hz > 0) & (track.confidence[0] >= CONFIDENT)
    cents = ratio_to_cents(track.f0_hz[0][both] / f0_hz[both]).abs()
    assert both.sum() > 0.85 * (f0_hz > 0).sum()
    assert (cents <= 50).float().mean() > 0.98
    assert cents.median() < 5
