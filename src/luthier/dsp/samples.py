"""Sound as this package computes with it, from whatever other libraries hand over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from luthier.errors import RangeError


def as_samples(audio: Tensor | np.ndarray | Sequence[float]) -> Tensor:
    """Make float32 of audio of any type and byte order, full scale 1.

    Args:
        audio: any shape. Integers of 8 (without sign), 16 and 32 bits, as `scipy.io.wavfile` and sound cards give them,
            count from the ends of their range.

    Raises:
        RangeError: it holds no numbers, or numbers that are no samples: complex, true and false.
    """
    if isinstance(audio, Tensor) and audio.is_floating_point():
        return audio.detach().float()
    values = audio.numpy() if isinstance(audio, Tensor) else np.asarray(audio)
    if values.dtype.kind == "f":
        return torch.from_numpy(np.array(values, dtype=np.float32))
    if values.dtype.kind not in "iu":
        raise RangeError(f"audio holds values of type {values.dtype}: expected floats of full scale 1, or integers.")
    half = 2.0 ** (8 * values.dtype.itemsize - 1)
    signed = values.astype(np.float64) - (half if values.dtype.kind == "u" else 0.0)
    return torch.from_numpy((signed / half).astype(np.float32))
