from __future__ import annotations

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from data.known_material import tone, write_tone
from luthier.data.audio_files import BLOCK_SAMPLES, audio_info, audio_writer, load_audio, read_blocks, save_audio
from luthier.errors import AudioFileError, OutputError, RangeError, ShapeError


@contextmanager
def disk_of(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond this size: the same errors as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3", "au", "caf"])
def test_every_format_is_read(tmp_path: Path, suffix: str) -> None:
    path = write_tone(tmp_path / f"tone.{suffix}", seconds=2.0, sample_rate=44100)
    audio, sample_rate = load_audio(path)
    assert sample_rate == 44100
    assert audio.dtype == torch.float32
    assert audio.shape == (1, 88200)
    error_db = 10 * np.log10(np.mean((audio[0].numpy() - tone(2.0, 44100)) ** 2) / np.mean(tone(2.0, 44100) ** 2))
    assert error_db < -15.0  # lossy codecs; silence gives 0 dB, a wrong channel or shift more


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    left = tone(0.5, 96000)
    channels = np.stack([left, np.zeros_like(left), 0.5 * left], axis=1)
    soundfile.write(tmp_path / "three.wav", channels, 96000, subtype="FLOAT")
    audio, sample_rate = load_audio(tmp_path / "three.wav")
    assert sample_rate == 96000
    np.testing.assert_allclose(audio[0].numpy(), 0.5 * left, atol=1e-7)


def test_resampled_on_request_keeps_the_pitch(tmp_path: Path) -> None:
    audio, sample_rate = load_audio(write_tone(tmp_path / "a.wav", seconds=1.0, sample_rate=44100), 16000)
    assert (sample_rate, audio.shape) == (16000, (1, 16000))
    assert torch.fft.rfft(audio[0]).abs().argmax() == 440


def test_files_longer_than_a_block_arrive_whole(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-0.9, 0.9, 2 * BLOCK_SAMPLES + 17).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", samples, 16000, subtype="FLOAT")
    assert [len(block) for block in read_blocks(tmp_path / "long.wav")] == [BLOCK_SAMPLES, BLOCK_SAMPLES, 17]
    np.testing.assert_array_equal(load_audio(tmp_path / "long.wav")[0][0].numpy(), samples)


@pytest.mark.parametrize("name", ["two words.wav", "quo'te\".wav", "violín 🎻.wav", "-dash.wav", "%s{}.wav"])
def test_odd_names_work(tmp_path: Path, name: str) -> None:
    save_audio(tmp_path / name, torch.zeros(100), 16000)
    assert load_audio(tmp_path / name)[0].shape == (1, 100)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text_work(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    save_audio(path, torch.zeros(100), 16000)
    assert load_audio(path)[0].shape == (1, 100)


def damaged(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.wav"
    if kind == "text":
        path.write_text("this is no sound\n" * 100)
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), 16000)
    elif kind == "half":
        whole = write_tone(tmp_path / "whole.wav").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "not a sound file"),
        ("empty", "0 bytes"),
        ("folder", "is a folder"),
        ("no samples", "0 samples"),
        ("half", "cut short"),
        ("missing", "no such file"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path: Path, kind: str, words: str) -> None:
    path = damaged(tmp_path, kind)
    with pytest.raises(AudioFileError, match=words) as caught:
        load_audio(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3", "au"])
def test_cut_short_files_are_found(tmp_path: Path, suffix: str, share: float) -> None:
    whole = tmp_path / f"whole.{suffix}"
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, 80000)
    soundfile.write(whole, noise, 16000)
    assert load_audio(whole)[0].shape == (1, 80000)
    content = whole.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioFileError, match="cut short"):
        load_audio(cut)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_sample_that_is_no_number_is_named(tmp_path: Path, value: float) -> None:
    samples = tone(6.0, 16000)
    samples[[80000, 80001]] = value
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioFileError, match=r"NaN or infinity at 5\.000 s"):
        load_audio(tmp_path / "nan.wav")


def test_one_sample_is_a_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", np.array([0.25]), 48000)
    audio, _ = load_audio(tmp_path / "one.wav", 16000)
    assert audio.shape == (1, 1)


def test_info_reads_the_header(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "stereo.flac", np.zeros((4800, 2)), 48000, subtype="PCM_24")
    assert audio_info(tmp_path / "stereo.flac") == (48000, 4800, 2, "FLAC PCM_24")


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_saved_sound_comes_back(tmp_path: Path, suffix: str) -> None:
    audio = torch.from_numpy(tone(0.3, 22050)).unsqueeze(0)
    assert save_audio(tmp_path / f"out.{suffix}", audio, 22050) == 1.0
    again, sample_rate = load_audio(tmp_path / f"out.{suffix}")
    assert sample_rate == 22050
    assert (again - audio).abs().max() <= 2**-23  # half a step of 24 bits, and rounding


def test_loud_sound_is_turned_down_and_never_wraps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    audio = 4.0 * torch.sin(torch.arange(16000) * 0.1)
    with caplog.at_level(logging.WARNING):
        gain = save_audio(tmp_path / "loud.wav", audio, 16000)
    assert gain == pytest.approx(0.25, rel=1e-3)
    assert "0.250" in caplog.text
    again = load_audio(tmp_path / "loud.wav")[0][0]
    assert (again - gain * audio).abs().max() < 1e-6
    assert again.abs().max() <= 1.0


def test_full_scale_is_left_alone(tmp_path: Path) -> None:
    audio = torch.tensor([1.0, -1.0, 0.5])
    assert save_audio(tmp_path / "full.wav", audio, 16000) == 1.0
    assert (load_audio(tmp_path / "full.wav")[0][0] - audio).abs().max() < 1e-6


def test_existing_files_are_kept_without_force(tmp_path: Path) -> None:
    save_audio(tmp_path / "a.wav", torch.zeros(10), 16000)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(OutputError, match="--force"):
        save_audio(tmp_path / "a.wav", torch.ones(20), 16000)
    assert (tmp_path / "a.wav").read_bytes() == before
    save_audio(tmp_path / "a.wav", torch.ones(20), 16000, force=True)
    assert load_audio(tmp_path / "a.wav")[0].shape == (1, 20)


@pytest.mark.parametrize(
    ("name", "audio", "error"),
    [
        ("a.mp4", torch.zeros(10), OutputError),
        ("a", torch.zeros(10), OutputError),
        ("a.wav", torch.zeros(2, 10), ShapeError),
        ("a.wav", torch.full((10,), torch.nan), RangeError),
        ("a.wav", torch.full((10,), torch.inf), RangeError),
    ],
)
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, name: str, audio: torch.Tensor, error: type[Exception]
) -> None:
    with pytest.raises(error):
        save_audio(tmp_path / name, audio, 16000)
    assert list(tmp_path.iterdir()) == []


def test_more_channels_than_flac_holds_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"at most 8 channels, not 9\. Write a \.wav"),
        audio_writer(tmp_path / "a.flac", 16000, n_channels=9),
    ):
        pytest.fail("was begun")
    with audio_writer(tmp_path / "a.wav", 16000, n_channels=9) as writer:
        writer.write(torch.zeros(9, 16))
    assert soundfile.info(tmp_path / "a.wav").channels == 9


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_full_disk_is_reported_and_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    save_audio(path, torch.zeros(10), 16000)
    before = path.read_bytes()
    with disk_of(4096), pytest.raises(OutputError, match="cannot be written"):
        save_audio(path, torch.rand(100_000), 16000, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("level", [0.5, 3.0])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_blocks_become_the_file_that_the_whole_becomes(tmp_path: Path, level: float, suffix: str) -> None:
    audio = level * (2 * torch.rand(1, 150_000, generator=torch.Generator().manual_seed(0)) - 1)
    gain = save_audio(tmp_path / f"whole.{suffix}", audio, 16000)
    with audio_writer(tmp_path / f"blocks.{suffix}", 16000) as writer:
        for block in audio.split(40_001, dim=1):
            writer.write(block)
    assert writer.gain == gain == pytest.approx(min(1.0, 1.0 / level), rel=1e-3)
    assert (tmp_path / f"blocks.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


def test_a_sound_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with audio_writer(tmp_path / "a.wav", 16000) as writer:
            writer.write(torch.zeros(100))
            writer.write(torch.full((100,), float("nan")))

    with pytest.raises(RangeError, match="NaN"):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_an_mp3_beside_what_a_mac_leaves_is_read(tmp_path: Path) -> None:
    samples = 0.1 * np.sin(0.1 * np.arange(16000))
    soundfile.write(tmp_path / "a.mp3", samples, 16000)
    alone = load_audio(tmp_path / "a.mp3", 16000)[0]
    (tmp_path / "._a.mp3").write_bytes(b"no resource fork")
    assert torch.equal(load_audio(tmp_path / "a.mp3", 16000)[0], alone)
