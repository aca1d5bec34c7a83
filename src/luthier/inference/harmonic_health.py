"""Harmonic collapse: an instrument that answers a melody with noise, because it never met anything like it."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.inference.diagnosis import Trouble
from luthier.inference.fitting import Fitted
from luthier.inference.wishes import Wishes
from luthier.units import power_to_db

AUDIBLE = 0.5
LEAST_FRAMES = 10
COLLAPSE_DB = 6.0
"""So much noisier than the notes of its recordings an instrument is not itself any more."""
AUDIBLE_NOISE_DB = -15.0
"""Noise that lies lower against the harmonics is not what one hears, however clean the recordings were."""
USUAL = 50
"""Percent of the training notes that are less noisy. Trained violins play 10 dB and more below this, even out of range:
loud notes count most here."""


class HarmonicHealth:
    """Gathers the power of harmonics and noise on the notes of a clip, block by block.

    Attributes:
        harmonic_power, noise_power: sums over the frames with notes.
    """

    def __init__(self, gain: Tensor, hop_length: int) -> None:
        """Get ready to hear a clip.

        Args:
            gain: (1, n_frames, 1), how far its harmonics are open in each frame, 0..1.
            hop_length: samples from one frame to the next.
        """
        self.harmonic_power = self.noise_power = 0.0
        self._is_open, self._hop_length, self._position = gain.flatten() > AUDIBLE, hop_length, 0

    def hear(self, stems: dict[str, Tensor]) -> None:
        """Add a block: (n_channels, n_hops * hop_length) each, by the synthesiser's name; what rings on is left out."""
        n_hops = next(iter(stems.values())).shape[1] // self._hop_length
        is_open = self._is_open[self._position : self._position + n_hops]
        self._position += n_hops
        n_samples = len(is_open) * self._hop_length
        for name, stem in stems.items():
            power = float(stem[0, :n_samples].view(len(is_open), self._hop_length).square().mean(1)[is_open].sum())
            if name == "filtered_noise":
                self.noise_power += power
            elif name != "room":
                self.harmonic_power += power

    def diagnose(self, noisiness_quantiles_db: Tensor, fitted: Fitted, wishes: Wishes) -> list[Trouble]:
        """Compare with the instrument's recordings.

        Args:
            noisiness_quantiles_db: (101,), of the notes that it was trained on.
            fitted: what it was to follow.
            wishes: what is in force already, and so no advice.
        """
        if int(self._is_open[: self._position].sum()) < LEAST_FRAMES:
            return []
        ratio_db = float(power_to_db(torch.tensor(self.noise_power / max(self.harmonic_power, 1e-30))))
        ratio_db -= max(0.0, fitted.noisier_db)  # less noise that somebody asked for is no excuse
        usual_db = float(noisiness_quantiles_db[USUAL])
        if ratio_db <= max(usual_db + COLLAPSE_DB, AUDIBLE_NOISE_DB):
            return []
        sentence = (
            f"the instrument answers with noise: its harmonics are {ratio_db - usual_db:.0f} dB weaker against it than "
            "in its recordings."
        )
        advice = ["--expression predict"] if fitted.expression == "input" else []
        advice += ["--loudness auto"] if wishes.get("loudness", "auto") != "auto" else []
        return [Trouble("harmonics", sentence, f"Try {', '.join([*advice, 'another --octave'])}.")]
