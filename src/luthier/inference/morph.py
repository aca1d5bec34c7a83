"""Morphing: an instrument between two, found between what both would play."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.signals import Controls, Features
from luthier.errors import ConfigError, RangeError
from luthier.model.instrument import Instrument

SMALLEST = 1e-6
"""-120 dB: keeps logarithms finite; below, two instruments are equally silent."""
COMMON = ("sample_rate", "hop_length", "n_harmonics", "n_bands")
"""What two instruments must have in common for their controls to mean the same."""


class MorphWith(NamedTuple):
    """A second instrument.

    Attributes:
        instrument: what to morph with.
        amount: 0 for none of it, 1 for its timbre alone.
    """

    instrument: Instrument
    amount: float


class Morph:
    """Follows a clip with a second instrument and mixes what it would play into what the first plays.

    Its network remembers, so blocks have to come in order, as in `render_blocks`; with the first it begins anew.

    Attributes:
        amount: 0..1.
        instrument: the second.
        features: what it follows, (1, n_frames, 1) each.
    """

    def __init__(self, second: MorphWith, features: Features) -> None:
        """Get ready to follow a clip.

        Args:
            second: what to morph with.
            features: of the clip, fitted to that instrument, (1, n_frames, 1) each.

        Raises:
            RangeError: the amount is not between 0 and 1.
        """
        if not 0.0 <= second.amount <= 1.0:
            raise RangeError(f"morph_amount {second.amount}: expected a number from 0 to 1.")
        self.amount = second.amount
        self.instrument, self.features = second.instrument, features
        self._state = second.instrument.start(1)

    @torch.no_grad()
    def __call__(self, controls: Controls, frames: slice) -> Controls:
        """Mix levels in dB: each harmonic and each noise band lies between those of the two."""
        if frames.start == 0:
            self._state = self.instrument.start(1)
        here = self.features.map(lambda values: values[:, frames])
        other, self._state = self.instrument.controls_block(here, self._state)
        harmonics = self._between(
            controls.amplitude * controls.harmonic_distribution, other.amplitude * other.harmonic_distribution
        )
        amplitude = harmonics.sum(-1, keepdim=True)
        return controls._replace(
            amplitude=amplitude,
            harmonic_distribution=harmonics / amplitude,
            noise_magnitudes=self._between(controls.noise_magnitudes, other.noise_magnitudes),
        )

    def _between(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.lerp(first.clamp_min(SMALLEST).log(), second.clamp_min(SMALLEST).log(), self.amount).exp()


def check_morph(first: Instrument, second: Instrument) -> None:
    """Refuse a pair whose controls do not mean the same.

    Raises:
        ConfigError: sample rate, hop length, number of harmonics or of noise bands differ.
    """
    for name in COMMON:
        found, expected = getattr(second.config, name), getattr(first.config, name)
        if found != expected:
            raise ConfigError(
                f"morph: the second instrument has {name} {found}, the first {expected}. "
                "Both must have the same: train them with the same preset."
            )
