from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from features.tones import RATE, cents_off, glide, tone, vibrato
from luthier.data.audio_files import load_audio
from luthier.errors import ConfigError, RangeError
from luthier.features.pitch import TRACKERS, track_pitch

LIGHT_TRACKERS = ["swift", "crepe-tiny", "auto"]


def square(n_samples: int) -> Tensor:
    return torch.sign(torch.sin(torch.arange(n_samples) * 0.1)).unsqueeze(0)


HARD_CLIPS = {
    "silence": torch.zeros(2, 16000),
    "one sample": torch.ones(1, 1),
    "a tenth of a second": square(1600),
    "dc": torch.ones(1, 16000),
    "full-scale square": square(16000),
    "noise": torch.randn(1, 16000, generator=torch.Generator().manual_seed(1)),
}


@pytest.fixture(scope="module")
def voice() -> Tensor:
    with as_file(files("luthier.apps") / "demo_audio" / "voice.flac") as path:
        return load_audio(path, RATE)[0][:, : 4 * RATE]


@pytest.mark.parametrize("tracker", LIGHT_TRACKERS)
@pytest.mark.parametrize("case", HARD_CLIPS)
def test_hard_clips_give_a_finite_positive_pitch(tracker: str, case: str) -> None:
    audio = HARD_CLIPS[case]
    pitch = track_pitch(audio, sample_rate=RATE, hop_length=160, tracker=tracker)
    assert pitch.f0_hz.shape == pitch.periodicity.shape == (len(audio), -(-audio.shape[1] // 160), 1)
    assert torch.isfinite(pitch.f0_hz).all()
    assert ((pitch.f0_hz >= 50) & (pitch.f0_hz <= 2000)).all()
    assert ((pitch.periodicity >= 0) & (pitch.periodicity <= 1)).all()


@pytest.mark.parametrize("tracker", LIGHT_TRACKERS)
def test_silence_has_no_periodicity(tracker: str) -> None:
    assert (track_pitch(torch.zeros(1, 8000), sample_rate=RATE, hop_length=160, tracker=tracker).periodicity == 0).all()


@pytest.mark.parametrize("tracker", LIGHT_TRACKERS)
@pytest.mark.parametrize(("rate", "hop"), [(8000, 64), (16000, 160), (44100, 441), (48000, 500)])
def test_a_vibrato_is_followed_within_two_cents(tracker: str, rate: int, hop: int) -> None:
    f0_hz = vibrato(440.0, sample_rate=rate)
    pitch = track_pitch(tone(f0_hz, sample_rate=rate), sample_rate=rate, hop_length=hop, tracker=tracker)
    assert np.median(np.abs(cents_off(pitch.f0_hz, f0_hz, hop))) < 2.0


@pytest.mark.parametrize("tracker", LIGHT_TRACKERS)
def test_a_soft_voice_is_heard_as_a_loud_one(tracker: str, voice: Tensor) -> None:
    loud, soft = (
        track_pitch(peak * voice / voice.abs().max(), sample_rate=RATE, hop_length=160, tracker=tracker)
        for peak in (0.1, 1e-3)
    )
    assert torch.allclose(loud.periodicity, soft.periodicity, atol=0.02)
    is_pitched = loud.periodicity >= 0.5
    assert torch.allclose(loud.f0_hz[is_pitched], soft.f0_hz[is_pitched], rtol=1e-3)
    assert is_pitched.float().mean() > 0.5


def test_a_rising_glide_is_not_late() -> None:
    f0_hz = glide(200.0, 800.0)
    pitch = track_pitch(tone(f0_hz), sample_rate=RATE, hop_length=100)
    cents = np.median(cents_off(pitch.f0_hz, f0_hz, 100))
    assert abs(cents) < 0.6  # 1 cent is 0.8 ms here


def test_a_batch_is_a_row_of_clips() -> None:
    first, second = tone(vibrato(300.0, 0.5)), tone(vibrato(700.0, 0.5))
    both = track_pitch(torch.cat([first, second]), sample_rate=RATE, hop_length=160, tracker="swift")
    for row, clip in enumerate((first, second)):
        alone = track_pitch(clip, sample_rate=RATE, hop_length=160, tracker="swift")
        torch.testing.assert_close(both.f0_hz[row], alone.f0_hz[0])


def test_a_nan_is_named() -> None:
    audio = torch.zeros(1, 1000)
    audio[0, 7] = float("nan")
    with pytest.raises(RangeError, match="sample 7"):
        track_pitch(audio, sample_rate=RATE, hop_length=160)


def test_an_unknown_tracker_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'yin'.*auto, cascade, crepe, crepe-tiny, swift"):
        track_pitch(torch.zeros(1, 100), sample_rate=RATE, hop_length=160, tracker="yin")


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(RangeError, match="f0_min_hz"):
        track_pitch(torch.zeros(1, 100), sample_rate=RATE, hop_length=160, f0_min_hz=500.0, f0_max_hz=100.0)


def test_the_default_is_the_cascade() -> None:
    assert TRACKERS["auto"] is TRACKERS["cascade"]


@pytest.mark.parametrize("tracker", ["swift", "auto"])
def test_a_hand_annotated_voice_is_followed_without_a_shift(shared_audio: Path, tracker: str) -> None:
    audio, rate = load_audio(shared_audio / "voice" / "vocadito_1.flac")
    time_seconds, wanted_hz = np.loadtxt(shared_audio / "voice" / "vocadito_1_f0.csv", delimiter=",").T
    pitch = track_pitch(audio, sample_rate=rate, hop_length=256, tracker=tracker)
    frame = np.rint(time_seconds * rate / 256).astype(int).clip(0, pitch.f0_hz.shape[1] - 1)
    is_voiced = (wanted_hz > 0) & (pitch.periodicity[0, :, 0].numpy()[frame] >= 0.5)
    cents = 1200 * np.log2(pitch.f0_hz[0, :, 0].numpy()[frame][is_voiced] / wanted_hz[is_voiced])
    assert is_voiced.sum() > 0.9 * (wanted_hz > 0).sum()
    assert (np.abs(cents) < 50).mean() >= 0.97
