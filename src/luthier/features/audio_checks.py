"""What every feature asks of the audio it is given, said once."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.errors import RangeError, ShapeError


def check_audio(audio: Tensor, sample_rate: int, hop_length: int) -> None:
    """Refuse audio of the wrong shape, without samples, or with samples that are no numbers.

    Args:
        audio: (batch, n_samples) expected.
        sample_rate: Hz, positive expected.
        hop_length: samples, positive expected.

    Raises:
        ShapeError: not two axes, or no samples.
        RangeError: a NaN or an infinity (the message names the first), or a rate or hop that is not positive.
    """
    if audio.ndim != 2 or audio.shape[-1] == 0:
        raise ShapeError(
            f"audio has the shape {tuple(audio.shape)}; expected (batch, n_samples) with at least 1 sample."
        )
    if sample_rate < 1 or hop_length < 1:
        raise RangeError(f"sample_rate {sample_rate} and hop_length {hop_length}: both must be positive.")
    bad = ~torch.isfinite(audio)
    if bad.any():
        row, sample = torch.nonzero(bad)[0].tolist()
        raise RangeError(
            f"audio has {int(bad.sum())} samples that are not finite numbers, the first is {float(audio[row, sample])} "
            f"at sample {sample} of clip {row}. Repair or cut the recording there."
        )
