"""Sounds and pictures as text, so that one HTML file holds all it shows."""

from __future__ import annotations

import base64
import io

import soundfile
from torch import Tensor

from luthier.errors import RangeError, ShapeError


def audio_data_uri(audio: Tensor, sample_rate: int) -> str:
    """Encode audio as a data URI of a 16-bit FLAC file, which every current browser plays.

    Args:
        audio: (n_samples,) or (1, n_samples); beyond full scale it is clipped.
        sample_rate: Hz.

    Raises:
        ShapeError: not one channel, or no samples.
        RangeError: a sample is not a finite number.
    """
    if audio.dim() not in (1, 2) or audio.numel() == 0 or audio.numel() != audio.shape[-1]:
        raise ShapeError(f"audio {tuple(audio.shape)}: expected (n_samples,) or (1, n_samples) with samples.")
    if not bool(audio.isfinite().all()):
        raise RangeError("audio: holds NaN or infinite samples, which no player plays.")
    samples = audio.detach().reshape(-1).cpu().numpy()
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return _data_uri("audio/flac", buffer.getvalue())


def png_data_uri(png: bytes) -> str:
    """Encode the bytes of a PNG file as a data URI."""
    return _data_uri("image/png", png)


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
