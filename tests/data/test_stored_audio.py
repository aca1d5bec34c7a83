from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.data.audio_files import load_audio
from luthier.data.stored_audio import decoded_audio, resampled_blocks
from luthier.dsp.resampling import resample
from luthier.errors import AudioFileError

RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000]


def pieces(samples: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return (samples[start : start + length] for start in range(0, len(samples), length))


@settings(max_examples=80, deadline=None)
@given(
    from_rate=st.sampled_from(RATES),
    to_rate=st.sampled_from(RATES),
    n_samples=st.integers(1, 4000),
    piece=st.integers(1, 2000),
)
def test_block_by_block_equals_at_once(from_rate: int, to_rate: int, n_samples: int, piece: int) -> None:
    samples = np.random.default_rng(n_samples).uniform(-1, 1, n_samples).astype(np.float32)
    whole = resample(torch.from_numpy(samples).unsqueeze(0), from_rate, to_rate)[0].numpy()
    blocks = np.concatenate(list(resampled_blocks(pieces(samples, piece), from_rate, to_rate)))
    assert len(blocks) == -(-n_samples * to_rate // from_rate)
    np.testing.assert_allclose(blocks, whole, atol=1e-6)  # the converter sums in float32


def test_any_part_of_a_decoded_file_can_be_read_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (100_000, 2)), 44100)
    whole = load_audio(path, 16000)[0]
    with decoded_audio(path, 16000) as audio:
        assert audio.n_samples == whole.shape[1]
        torch.testing.assert_close(audio.read(7000, 9000), whole[:, 7000:9000], rtol=0, atol=1e-6)
        assert list((tmp_path / "temporary").iterdir()) != []
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(AudioFileError), decoded_audio(tmp_path / "missing.wav", 16000):
        pass
