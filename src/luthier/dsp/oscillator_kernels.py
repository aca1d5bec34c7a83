"""The oscillator bank as loops, compiled when they are first called: a quarter of the time of tensor operations.

Each harmonic follows from the one before by the addition theorem, so that a span of samples stays in the processor's
first-level cache, and nothing needs sorting by the number of harmonics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier.dsp.compiled import Floats, compiled


@compiled
def sum_of_sines(
    first: int, last: int, sine: Floats, cosine: Floats, amplitudes: Floats, n_audible: NDArray[np.int64], audio: Floats
) -> None:
    """Fill rows first..last of `audio`, (n_rows, hop_length).

    `sine` and `cosine` of the fundamental are (n_rows, hop_length), `amplitudes` (batch, n_spans + 1, n_harmonics),
    `n_audible` (n_rows,) the harmonics to play in each row, n_rows = batch * n_spans.
    """
    hop_length, n_spans = sine.shape[1], amplitudes.shape[1] - 1
    s, c = np.empty(hop_length, np.float32), np.empty(hop_length, np.float32)
    from_left, from_right = np.empty(hop_length, np.float32), np.empty(hop_length, np.float32)
    for row in range(first, last):
        left, right = amplitudes[row // n_spans, row % n_spans], amplitudes[row // n_spans, row % n_spans + 1]
        s1, c1, sound = sine[row], cosine[row], audio[row]
        for i in range(hop_length):
            s[i], c[i] = s1[i], c1[i]
            from_left[i], from_right[i] = left[0] * s1[i], right[0] * s1[i]
        for k in range(1, n_audible[row]):
            for i in range(hop_length):
                next_sine = s[i] * c1[i] + c[i] * s1[i]
                c[i] = c[i] * c1[i] - s[i] * s1[i]
                s[i] = next_sine
                from_left[i] += left[k] * next_sine
                from_right[i] += right[k] * next_sine
        for i in range(hop_length):
            sound[i] = from_left[i] + (from_right[i] - from_left[i]) * (np.float32(i) / np.float32(hop_length))


@compiled
def gradient_of_amplitudes(
    first: int, last: int, sine: Floats, cosine: Floats, outer: Floats, n_audible: NDArray[np.int64], ends: Floats
) -> None:
    """Fill rows first..last of `ends`, (n_rows, 2, n_harmonics), zero before: what `outer` says of both ends' amplitudes.

    The others are as `sum_of_sines` says, `outer` (n_rows, hop_length) the gradient of the audio.
    """
    hop_length = sine.shape[1]
    s, c = np.empty(hop_length, np.float32), np.empty(hop_length, np.float32)
    to_left, to_right = np.empty(hop_length, np.float32), np.empty(hop_length, np.float32)
    for row in range(first, last):
        s1, c1, wanted = sine[row], cosine[row], outer[row]
        left = right = np.float32(0)
        for i in range(hop_length):
            s[i], c[i] = s1[i], c1[i]
            to_right[i] = wanted[i] * (np.float32(i) / np.float32(hop_length))
            to_left[i] = wanted[i] - to_right[i]
            left += to_left[i] * s1[i]
            right += to_right[i] * s1[i]
        ends[row, 0, 0], ends[row, 1, 0] = left, right
        for k in range(1, n_audible[row]):
            left = right = np.float32(0)
            for i in range(hop_length):
                next_sine = s[i] * c1[i] + c[i] * s1[i]
                c[i] = c[i] * c1[i] - s[i] * s1[i]
                s[i] = next_sine
                left += to_left[i] * next_sine
                right += to_right[i] * next_sine
            ends[row, 0, k], ends[row, 1, k] = left, right
