from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
import soundfile
import torch

from evaluation.sounds import RATE, melody
from luthier.errors import RangeError, ShapeError
from luthier.evaluation.embedding import audio_data_uri, png_data_uri


def decode(uri: str) -> tuple[np.ndarray, int]:
    header, content = uri.split(",")
    assert header == "data:audio/flac;base64"
    return soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="float32")


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_what_is_embedded_is_what_is_heard(sample_rate: int) -> None:
    samples, rate = decode(audio_data_uri(melody(), sample_rate))
    assert rate == sample_rate
    # 16 bits: half a step of 1 / 32768, and rounding
    np.testing.assert_allclose(samples, melody()[0].numpy(), atol=3.1e-5)


def test_too_loud_samples_are_clipped_and_do_not_wrap() -> None:
    samples, _ = decode(audio_data_uri(torch.tensor([0.0, 1.7, -3.0, 1.0]), RATE))
    np.testing.assert_allclose(samples, [0, 1, -1, 1], atol=4e-5)


@pytest.mark.parametrize("audio", [torch.zeros(2, 100), torch.zeros(0), torch.zeros(1, 1, 5), torch.tensor(1.0)])
def test_only_one_channel_with_samples_is_embedded(audio: torch.Tensor) -> None:
    with pytest.raises(ShapeError):
        audio_data_uri(audio, RATE)


def test_nan_is_refused() -> None:
    with pytest.raises(RangeError):
        audio_data_uri(torch.tensor([0.0, math.nan]), RATE)


def test_pictures_keep_their_bytes() -> None:
    uri = png_data_uri(b"\x89PNG-anything")
    assert uri.startswith("data:image/png;base64,")
    assert base64.b64decode(uri.split(",")[1]) == b"\x89PNG-anything"
