"""How loud a frequency sounds against others of the same power."""

from __future__ import annotations

from torch import Tensor


def a_weighting_power(frequencies_hz: Tensor) -> Tensor:
    """Gain in power of the A-weighting curve: 1 at 1 kHz, 0 at 0 Hz.

    Args:
        frequencies_hz: any shape, Hz, not negative.

    Returns:
        The same shape, linear gain in power.

    Source: IEC 61672-1:2013, annex E; the constant sets 0 dB at 1 kHz.
    """
    squared = frequencies_hz.square()
    poles = (squared + 20.6**2) * (squared + 12194.0**2)
    middle = ((squared + 107.7**2) * (squared + 737.9**2)).sqrt()
    return 10.0**0.2 * (squared / poles * squared / middle * 12194.0**2).square()
