from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from features.tones import glide, steady, tone, vibrato
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.resampling import resample
from luthier.errors import RangeError, ShapeError
from luthier.features import long_audio
from luthier.features.extract import extract_features
from luthier.features.long_audio import LongAudio, as_long_audio, blocks_at_rate


def melody(sample_rate: int) -> Tensor:
    """Notes, and a rest that is longer than a block with its context: (1, n_samples)."""
    hz = [vibrato(300.0, 1.8, sample_rate=sample_rate), glide(440.0, 660.0, 1.2, sample_rate=sample_rate)]
    parts = [tone(line, sample_rate=sample_rate) for line in (*hz, steady(196.0, 1.4, sample_rate))]
    parts.insert(2, torch.zeros(1, 5 * sample_rate))
    audio = torch.cat(parts, dim=1)
    return audio + 1e-3 * torch.randn(audio.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("tracker", "sample_rate", "hop_length"),
    [("auto", 16000, 160), ("swift", 44100, 441), pytest.param("crepe-tiny", 22050, 256, marks=pytest.mark.slow)],
)
def test_blocks_say_what_the_whole_clip_says(
    tracker: str, sample_rate: int, hop_length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = melody(sample_rate)
    definition = FeatureDefinition(sample_rate=sample_rate, hop_length=hop_length, tracker=tracker)
    whole = extract_features(audio, definition)
    monkeypatch.setattr(long_audio, "BLOCK_SECONDS", 2)
    monkeypatch.setattr(long_audio, "CONTEXT_SECONDS", 2)
    blocks = extract_features(LongAudio(lambda start, stop: audio[:, start:stop].clone(), audio.shape[1]), definition)
    assert whole.periodicity.amin() < 0.3
    assert whole.periodicity.amax() > 0.7
    for name, values in whole._asdict().items():
        torch.testing.assert_close(getattr(blocks, name), values, rtol=1e-5, atol=1e-5)  # float32 in other batches


def test_no_more_is_read_at_once_than_a_block_with_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    audio, asked = melody(16000), []

    def read(start: int, stop: int) -> Tensor:
        asked.append(stop - start)
        return audio[:, start:stop]

    monkeypatch.setattr(long_audio, "BLOCK_SECONDS", 2)
    monkeypatch.setattr("luthier.features.audio_checks.SAMPLES_AT_ONCE", 16000)
    extract_features(LongAudio(read, audio.shape[1]), FeatureDefinition(tracker="swift"))
    assert max(asked) == 9.4 * 16000


@pytest.mark.parametrize("n_samples", [1, 44100, 88200, 88201, 300000])
def test_blocks_follow_one_another_and_hold_the_resampled_clip(n_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_audio, "BLOCK_SECONDS", 2)
    monkeypatch.setattr(long_audio, "CONTEXT_SECONDS", 1)
    audio = tone(steady(440.0, n_samples / 44100, 44100), sample_rate=44100)
    blocks = list(blocks_at_rate(as_long_audio(audio), 44100, 16000))
    parts = [block.audio[:, block.start - block.offset : block.stop - block.offset] for block in blocks]
    assert [block.start for block in blocks] == [32000 * index for index in range(len(blocks))]
    torch.testing.assert_close(torch.cat(parts, dim=1), resample(audio, 44100, 16000), rtol=0, atol=1e-5)


def test_long_audio_is_checked_like_any_other() -> None:
    samples = np.zeros((1, 3_000_000), dtype=np.float32)
    samples[0, 2_500_000] = np.inf
    audio = torch.from_numpy(samples)
    with pytest.raises(RangeError, match="inf at sample 2500000 of clip 0"):
        extract_features(LongAudio(lambda start, stop: audio[:, start:stop], 3_000_000), FeatureDefinition())
    with pytest.raises(ShapeError, match="at least 1 sample"):
        extract_features(LongAudio(lambda start, stop: audio[:, start:stop], 0), FeatureDefinition())
