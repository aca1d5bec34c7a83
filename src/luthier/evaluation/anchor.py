"""The low anchor of listening tests: a sound that everybody hears to be worse, so that ratings share a scale."""

from __future__ import annotations

import torch
from scipy.signal import fftconvolve, firwin, kaiserord
from torch import Tensor

from luthier.errors import RangeError

PASS_HZ = 3500.0
STOP_HZ = 4000.0
ATTENUATION_DB = 70.0
"""Above `STOP_HZ`; ITU-R BS.1534 asks for 25 dB there and 50 dB from 4.5 kHz."""


def check_anchor_rate(sample_rate: int) -> None:
    """Refuse a rate, in Hz, at which there can be no anchor.

    Raises:
        RangeError: at that rate there is nothing above 4 kHz to take away.
    """
    if sample_rate <= 2 * STOP_HZ:
        raise RangeError(
            f"sample_rate {sample_rate}: a listening test needs more than {2 * STOP_HZ:.0f} Hz, since its 3.5 kHz anchor "
            "must sound duller than the recording. Leave out --listening-test, or prepare at a higher rate."
        )


def low_pass_anchor(audio: Tensor, *, sample_rate: int) -> Tensor:
    """Take everything above 3.5 kHz away, without moving anything in time.

    Args:
        audio: (batch, n_samples).
        sample_rate: Hz, above 8000.

    Returns:
        (batch, n_samples), at the level of the input.

    Raises:
        RangeError: at that rate there is nothing above 4 kHz to take away.

    Source: ITU-R BS.1534-3 (2015), the low anchor; a linear-phase FIR filter by Kaiser's window.
    """
    check_anchor_rate(sample_rate)
    n_taps, beta = kaiserord(ATTENUATION_DB, (STOP_HZ - PASS_HZ) / (sample_rate / 2))
    taps = firwin(n_taps | 1, (PASS_HZ + STOP_HZ) / 2, window=("kaiser", beta), fs=sample_rate)
    filtered = fftconvolve(audio.detach().cpu().double().numpy(), taps[None], mode="full", axes=-1)
    delay = len(taps) // 2
    return torch.from_numpy(filtered[:, delay : delay + audio.shape[-1]]).to(audio)
