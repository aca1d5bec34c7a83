"""Colouring what an instrument plays: harmonics against noise, dark or bright, single harmonics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.harmonic_timbre import WARMEST_DB, HarmonicTimbre, harmonic_timbre, with_timbre
from luthier.dsp.signals import Controls
from luthier.errors import RangeError
from luthier.units import db_to_amplitude, db_to_power, power_to_db


class Colour(NamedTuple):
    """Changes of the controls, frame by frame, so that they work while playing.

    Attributes:
        balance_db: how much the harmonics are raised against the noise; each takes half of it.
        tilt_db: dB per octave by which higher harmonics are raised.
        harmonics_db: dB for the first harmonic, the second and so on; the rest stays.
        offsets: added to the timbre that is played, octaves and dB: scalars in tensors. Warmth raises the fundamental
            against all other harmonics, so that no amount of it leaves a sine.
        noise_db: how much the noise is raised; the harmonics stay.
    """

    balance_db: float = 0.0
    tilt_db: float = 0.0
    harmonics_db: Sequence[float] = ()
    offsets: HarmonicTimbre | None = None
    noise_db: float = 0.0

    def apply(self, controls: Controls) -> Controls:
        """Colour controls (batch, n_frames, ...). Tilting and offsets keep the power of a frame's harmonics.

        Raises:
            RangeError: more harmonics are named than there are.
        """
        if self.offsets is not None:
            own, by = harmonic_timbre(controls), self.offsets
            wanted = HarmonicTimbre(
                own.brightness_octaves + by.brightness_octaves,
                _raised_share_db(own.warmth_db, by.warmth_db),
                own.hollowness_db + by.hollowness_db,
            )
            controls = with_timbre(controls, wanted, HarmonicTimbre(*(offset != 0.0 for offset in self.offsets)))
        coloured, held = controls.harmonic_distribution, controls.harmonic_distribution
        if self.tilt_db:
            tilted = held * self._tilt(held)
            power = held.square().sum(-1, keepdim=True), tilted.square().sum(-1, keepdim=True)
            coloured = tilted * (power[0] / power[1].clamp_min(torch.finfo(held.dtype).tiny)).sqrt()
        coloured = coloured * self._single(held)
        # A distribution sums to one: what it gained or lost is the amplitude's.
        total = coloured.sum(-1, keepdim=True)
        share = coloured / total.clamp_min(torch.finfo(held.dtype).tiny)
        half = db_to_amplitude(self.balance_db / 2)
        return controls._replace(
            amplitude=controls.amplitude * total * half,
            harmonic_distribution=share,
            noise_magnitudes=controls.noise_magnitudes * db_to_amplitude(self.noise_db) / half,
        )

    def _tilt(self, distribution: Tensor) -> Tensor:
        """(n_harmonics,), gains."""
        numbers = torch.arange(1, distribution.shape[-1] + 1, dtype=distribution.dtype)
        return db_to_amplitude(self.tilt_db * torch.log2(numbers))

    def _single(self, distribution: Tensor) -> Tensor:
        """(n_harmonics,), gains."""
        n_harmonics = distribution.shape[-1]
        if len(self.harmonics_db) > n_harmonics:
            raise RangeError(
                f"{len(self.harmonics_db)} harmonics are to be changed: this instrument has {n_harmonics}. Give fewer."
            )
        gains_db = torch.zeros(n_harmonics, dtype=distribution.dtype)
        gains_db[: len(self.harmonics_db)] = torch.tensor(list(self.harmonics_db), dtype=distribution.dtype)
        return db_to_amplitude(gains_db)


def _raised_share_db(share_db: Tensor, by_db: Tensor) -> Tensor:
    """What share of the whole a part has, dB, after it was raised against the rest: never all of it."""
    share, gain = db_to_power(share_db.clamp(max=WARMEST_DB)), db_to_power(by_db)
    return power_to_db(share * gain / (1.0 - share + share * gain))
