from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from data.known_material import tone
from luthier.data.audio_files import audio_info, load_audio
from luthier.data.compressed_files import is_needed
from luthier.errors import AudioFileError, MissingExtraError


def write_m4a(path: Path, samples: np.ndarray) -> Path:
    av = pytest.importorskip("av", reason="the extra m4a is not installed")
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = 44100
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def test_without_the_extra_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x18ftypM4A ")
    with pytest.raises(MissingExtraError, match=r"pip install 'luthier\[m4a\]'"):
        load_audio(tmp_path / "a.m4a")


def test_known_by_name_or_content(tmp_path: Path) -> None:
    for name, content in (("a.M4A", b""), ("b.wav", b"\0\0\0\x18ftypM4A "), ("c.wav", b"RIFF")):
        (tmp_path / name).write_bytes(content)
    assert [is_needed(tmp_path / name) for name in ("a.M4A", "b.wav", "c.wav")] == [True, True, False]


def test_m4a_is_read(tmp_path: Path) -> None:
    path = write_m4a(tmp_path / "a.m4a", tone(2.0, 44100))
    audio, sample_rate = load_audio(path)
    assert sample_rate == audio_info(path).sample_rate == 44100
    assert abs(audio.shape[1] - 88200) < 3 * 1024
    spectrum = np.abs(np.fft.rfft(audio[0, :44100].numpy() * np.hanning(44100)))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize("share", [0.01, 0.7])
def test_a_cut_short_m4a_is_found(tmp_path: Path, share: float) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 441000).astype(np.float32)
    content = write_m4a(tmp_path / "whole.m4a", noise).read_bytes()
    (tmp_path / "cut.m4a").write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioFileError, match=r"cut short|can be read"):
        load_audio(tmp_path / "cut.m4a")


def test_text_called_m4a_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the extra m4a is not installed")
    (tmp_path / "text.m4a").write_text("no sound")
    with pytest.raises(AudioFileError, match="not a sound file"):
        load_audio(tmp_path / "text.m4a")
