"""How loud a sound is as a programme, in LUFS, and the gain that makes it so loud."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt
from torch import Tensor

from luthier.errors import RangeError
from luthier.units import db_to_amplitude, power_to_db

Array = NDArray[np.float64]

MOST_GAIN_DB = 100.0
"""Up or down: beyond, nothing is left, or 16 bits of silence become a roar."""
OFFSET_DB = -0.691
"""Makes up for the gain of the weighting at 1 kHz."""
STEP_SECONDS, STEPS_IN_BLOCK = 0.1, 4
"""Blocks of 0.4 s, each 0.1 s after the last."""
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
SHELF_SLOPE = 0.4996667741545416
"""Exponent of the shelf's gain in the middle of its slope."""
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


class ProgrammeMeter:
    """Measures integrated loudness while a sound goes by.

    Source: Recommendation ITU-R BS.1770-4, annex 1, all channels weighted 1; its filters, given there for 48 kHz, are
        designed for any rate from the analogue prototypes found by De Man 2014, Evaluation of implementations of the
        EBU R128 loudness measurement.
    """

    def __init__(self, sample_rate: int) -> None:
        self._filters = k_weighting(sample_rate)
        self._step_samples = round(STEP_SECONDS * sample_rate)
        self._memory: Array | None = None
        self._rest: Array = np.zeros(0)
        self._powers: list[float] = []

    def hear(self, audio: Tensor) -> None:
        """Add a block, (n_channels, n_samples)."""
        samples = audio.detach().cpu().double().numpy()
        if self._memory is None:
            self._memory = np.zeros((len(self._filters), len(samples), 2))
        weighted, self._memory = sosfilt(self._filters, samples, zi=self._memory)
        power = np.concatenate([self._rest, np.square(weighted).sum(0)])
        n_steps = len(power) // self._step_samples
        steps = power[: n_steps * self._step_samples].reshape(n_steps, self._step_samples)
        self._powers += steps.mean(1).tolist()
        self._rest = power[n_steps * self._step_samples :]

    @property
    def lufs(self) -> float:
        """Integrated loudness so far; -inf for silence. What is shorter than a block counts as one.

        What is nowhere as loud as the absolute gate is measured without it: somebody may want it louder.
        """
        powers = np.array(self._powers or ([self._rest.mean()] if len(self._rest) else [0.0]))
        width = min(STEPS_IN_BLOCK, len(powers))
        blocks = np.convolve(powers, np.full(width, 1.0 / width), mode="valid")
        if not blocks.any():
            return -math.inf
        loud = blocks[_lufs(blocks) > ABSOLUTE_GATE_LUFS]
        loud = loud if len(loud) else blocks[blocks > 0]
        counted = loud[_lufs(loud) > _lufs(loud.mean()) + RELATIVE_GATE_LU]
        return float(_lufs(counted.mean()))


def k_weighting(sample_rate: int) -> Array:
    """The ear's weighting of BS.1770 as two second-order sections, (2, 6)."""
    bend, high = math.tan(math.pi * SHELF_HZ / sample_rate), db_to_amplitude(SHELF_DB)
    middle = high**SHELF_SLOPE * bend / SHELF_Q
    shelf = [high + middle + bend**2, 2 * (bend**2 - high), high - middle + bend**2]
    return np.array(
        [_section(shelf, bend, SHELF_Q), _high_pass(math.tan(math.pi * HIGH_PASS_HZ / sample_rate), HIGH_PASS_Q)]
    )


def gain_for(lufs: float | None, gain_db: float, *, measured_lufs: float) -> float:
    """The factor that brings a sound to a loudness and then raises it.

    Args:
        lufs: loudness wanted; None leaves it.
        gain_db: to add, dB.
        measured_lufs: what it has; silence stays silence.

    Raises:
        RangeError: the gain is beyond 100 dB, or the loudness wanted is above 0 LUFS.
    """
    if not abs(gain_db) <= MOST_GAIN_DB or (lufs is not None and not -100.0 <= lufs <= 0.0):
        raise RangeError(
            f"gain {gain_db} dB, lufs {lufs}: expected {-MOST_GAIN_DB:g} to {MOST_GAIN_DB:g}, and -100 to 0."
        )
    if lufs is None or not math.isfinite(measured_lufs):
        return float(db_to_amplitude(gain_db))
    return float(db_to_amplitude(lufs - measured_lufs + gain_db))


def _section(numerator: list[float], bend: float, q: float) -> list[float]:
    scale = 1 + bend / q + bend**2
    return [*(value / scale for value in numerator), 1.0, 2 * (bend**2 - 1) / scale, (1 - bend / q + bend**2) / scale]


def _high_pass(bend: float, q: float) -> list[float]:
    """Its numerator is 1, -2, 1 as in the recommendation: not quite 0 dB at high frequencies."""
    return [1.0, -2.0, 1.0, *_section([0.0, 0.0, 0.0], bend, q)[3:]]


def _lufs(power: Any) -> Any:
    return OFFSET_DB + power_to_db(power)
