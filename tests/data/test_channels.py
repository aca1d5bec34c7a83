from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from luthier.data.audio_files import audio_writer, load_audio
from luthier.data.channels import load_channels
from luthier.errors import AudioFileError, ShapeError


def test_channels_are_kept_apart_and_resampled(tmp_path: Path) -> None:
    time = np.arange(8000) / 8000
    pair = np.stack([np.sin(2 * np.pi * 200 * time), np.sin(2 * np.pi * 300 * time)], axis=1)
    soundfile.write(tmp_path / "a.wav", 0.5 * pair, 8000)
    channels = load_channels(tmp_path / "a.wav", 16000)
    assert channels.shape == (2, 16000)
    assert [int(torch.fft.rfft(channel).abs().argmax()) for channel in channels] == [200, 300]


def test_one_channel_is_one_channel(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(100, 0.25), 8000)
    assert torch.equal(load_channels(tmp_path / "a.wav", 8000), load_audio(tmp_path / "a.wav")[0])


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(AudioFileError, match=r"a\.wav"):
        load_channels(tmp_path / "a.wav", 8000)


def test_two_channels_are_written_as_a_whole_and_at_the_level_wanted(tmp_path: Path) -> None:
    pair = torch.stack([torch.linspace(-0.5, 0.5, 70000), torch.linspace(0.25, -0.25, 70000)])
    with audio_writer(tmp_path / "a.wav", 8000, n_channels=2) as writer:
        for block in pair.split(999, dim=1):
            writer.write(block)
        assert writer.peak == 0.5
        writer.level = 1.5
    written = torch.from_numpy(soundfile.read(tmp_path / "a.wav", dtype="float32")[0]).T
    assert torch.allclose(written, 1.5 * pair, atol=2**-23)


@pytest.mark.filterwarnings("ignore")
def test_a_level_that_would_clip_is_not_reached(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with audio_writer(tmp_path / "a.wav", 8000) as writer:
        writer.write(torch.tensor([0.0, 0.5]))
        writer.level = 4.0
        assert writer.gain == 2.0
    assert "0.500 of its level" in caplog.text


def test_another_number_of_channels_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ShapeError, match=r"\(2, n_samples\)"),
        audio_writer(tmp_path / "a.wav", 8000, n_channels=2) as w,
    ):
        w.write(torch.zeros(1, 10))
