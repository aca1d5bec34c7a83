"""The synthesisers of the signal chain. A new one is a class here and a line in `SYNTHS`.

A synthesiser says how many raw numbers a frame it wants from the network (`n_outputs`), turns them
into its share of the `Controls` (`controls`), and plays Controls (`render`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from luthier.dsp.rendering import render_harmonic, render_noise
from luthier.dsp.scaling import modified_sigmoid, normalise_harmonics
from luthier.dsp.signals import Controls
from luthier.errors import ConfigError
from luthier.model.config import InstrumentConfig, SynthConfig


class Synth(ABC):
    """One part of the sound before the room."""

    def __init__(self, synth: SynthConfig, config: InstrumentConfig) -> None:
        self.synth, self.config = synth, config

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Raw numbers wanted for each frame."""

    @abstractmethod
    def controls(self, raw: Tensor, f0_hz: Tensor) -> dict[str, Tensor]:
        """Turn raw numbers (batch, n_frames, n_outputs) into fields of `Controls`."""

    @abstractmethod
    def render(self, controls: Controls, noise: Tensor) -> Tensor:
        """Play a whole clip: (batch, n_frames * hop_length). `noise` is white, of that shape."""


class HarmonicSynth(Synth):
    """Sines at multiples of the fundamental."""

    @property
    def n_outputs(self) -> int:
        """One amplitude and the strength of each harmonic."""
        return 1 + self.config.n_harmonics

    def controls(self, raw: Tensor, f0_hz: Tensor) -> dict[str, Tensor]:
        """`amplitude` and `harmonic_distribution`."""
        positive = modified_sigmoid(raw + self.synth.initial_bias)
        distribution = normalise_harmonics(positive[..., 1:], f0_hz, self.config.sample_rate)
        return {"amplitude": positive[..., :1], "harmonic_distribution": distribution}

    def render(self, controls: Controls, noise: Tensor) -> Tensor:
        """See `render_harmonic`."""
        return render_harmonic(controls, sample_rate=self.config.sample_rate, hop_length=self.config.hop_length)


class FilteredNoiseSynth(Synth):
    """Noise through a filter that changes with every frame."""

    @property
    def n_outputs(self) -> int:
        """A gain for each band."""
        return self.config.n_bands

    def controls(self, raw: Tensor, f0_hz: Tensor) -> dict[str, Tensor]:
        """`noise_magnitudes`."""
        return {"noise_magnitudes": modified_sigmoid(raw + self.synth.initial_bias)}

    def render(self, controls: Controls, noise: Tensor) -> Tensor:
        """See `render_noise`."""
        return render_noise(controls.noise_magnitudes, noise, hop_length=self.config.hop_length)


SYNTHS: dict[str, type[Synth]] = {"harmonic": HarmonicSynth, "filtered_noise": FilteredNoiseSynth}


def build_synth(synth: SynthConfig, config: InstrumentConfig) -> Synth:
    """Find the class of a synthesiser.

    Raises:
        ConfigError: no synthesiser has this name.
    """
    if synth.kind not in SYNTHS:
        raise ConfigError(f"synths: found kind {synth.kind!r}, expected one of {', '.join(SYNTHS)}.")
    return SYNTHS[synth.kind](synth, config)
