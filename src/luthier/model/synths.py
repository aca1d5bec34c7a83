"""The synthesisers of the signal chain. A new one is a class here and a line in `SYNTHS`.

A synthesiser says how many raw numbers a frame it wants from the network (`n_outputs`), turns them
into its share of the `Controls` (`controls`), and plays Controls in blocks of any length (`start`, `play`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from luthier.dsp.harmonic import HarmonicState, harmonic_synthesis
from luthier.dsp.interpolation import following_frames
from luthier.dsp.noise import NoiseState, filtered_noise, mel_bands_to_bands, noise_around_start
from luthier.dsp.resonances import gains_at_harmonics
from luthier.dsp.scaling import modified_sigmoid, normalise_harmonics
from luthier.dsp.signals import Controls
from luthier.errors import ConfigError
from luthier.model.config import InstrumentConfig, SynthConfig

State = tuple[Tensor, ...]
"""What a synthesiser hands from one block to the next: a NamedTuple of tensors of its own."""


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
    def start(self, first: Controls, noise: Tensor) -> State:
        """The state on the first frame of `first`; `noise` is what the clip begins with, (batch, n_samples)."""

    @abstractmethod
    def play(self, following: Controls, noise: Tensor, state: State) -> tuple[Tensor, State]:
        """Play from the state's frame up to the last one given.

        Args:
            following: the frames after the state's, (batch, n_frames, ...).
            noise: (batch, n_frames * hop_length), white, uniform in [-1, 1].
            state: from `start` or the last block.

        Returns:
            (batch, n_frames * hop_length) and the new state.
        """

    def render(self, controls: Controls, noise: Tensor) -> Tensor:
        """Play a whole clip, (batch, n_frames * hop_length): `play` called once, the last frame held for a hop."""
        following = Controls(*map(following_frames, controls))
        return self.play(following, noise, self.start(controls, noise))[0]


class HarmonicSynth(Synth):
    """Sines at multiples of the fundamental.

    What depends on the number of a harmonic is said for each, what depends on where it lies for each resonance: the
    two are added before the scaling, about as levels in dB are.
    """

    @property
    def n_outputs(self) -> int:
        """One amplitude, the strength of each harmonic, and the gain at each resonance."""
        return 1 + self.config.n_harmonics + self.synth.resonances

    def controls(self, raw: Tensor, f0_hz: Tensor) -> dict[str, Tensor]:
        """`amplitude` and `harmonic_distribution`."""
        if self.synth.resonances:
            raw = self._through_resonances(raw, f0_hz)
        positive = modified_sigmoid(raw + self.synth.initial_bias)
        distribution = normalise_harmonics(positive[..., 1:], f0_hz, self.config.sample_rate)
        return {"amplitude": positive[..., :1], "harmonic_distribution": distribution}

    def _through_resonances(self, raw: Tensor, f0_hz: Tensor) -> Tensor:
        n_harmonics = self.config.n_harmonics
        amplitude, strengths, gains = raw.split([1, n_harmonics, self.synth.resonances], dim=-1)
        rates = {"n_harmonics": n_harmonics, "sample_rate": self.config.sample_rate}
        return torch.cat([amplitude, strengths + gains_at_harmonics(gains, f0_hz, **rates)], dim=-1)

    def start(self, first: Controls, noise: Tensor) -> HarmonicState:
        """Phase zero."""
        return HarmonicState.start(first, sample_rate=self.config.sample_rate)

    def play(self, following: Controls, noise: Tensor, state: State) -> tuple[Tensor, HarmonicState]:
        """See `harmonic_synthesis`."""
        assert isinstance(state, HarmonicState)
        rates = {"sample_rate": self.config.sample_rate, "hop_length": self.config.hop_length}
        return harmonic_synthesis(following, state, **rates)


class FilteredNoiseSynth(Synth):
    """Noise through a filter that changes with every frame."""

    @property
    def n_outputs(self) -> int:
        """A gain for each band."""
        return self.synth.mel_bands or self.config.n_bands

    def controls(self, raw: Tensor, f0_hz: Tensor) -> dict[str, Tensor]:
        """`noise_magnitudes`."""
        gains = modified_sigmoid(raw + self.synth.initial_bias)
        if self.synth.mel_bands:
            rates = {"n_bands": self.config.n_bands, "sample_rate": self.config.sample_rate}
            gains = mel_bands_to_bands(gains, **rates)
        return {"noise_magnitudes": gains}

    def start(self, first: Controls, noise: Tensor) -> NoiseState:
        """Noise on both sides of the first frame."""
        around = noise_around_start(noise, hop_length=self.config.hop_length)
        return NoiseState.start(first.noise_magnitudes[:, :1], around)

    def play(self, following: Controls, noise: Tensor, state: State) -> tuple[Tensor, NoiseState]:
        """See `filtered_noise`."""
        assert isinstance(state, NoiseState)
        return filtered_noise(following.noise_magnitudes, noise, state, hop_length=self.config.hop_length)


SYNTHS: dict[str, type[Synth]] = {"harmonic": HarmonicSynth, "filtered_noise": FilteredNoiseSynth}


def build_synth(synth: SynthConfig, config: InstrumentConfig) -> Synth:
    """Find the class of a synthesiser.

    Raises:
        ConfigError: no synthesiser has this name.
    """
    if synth.kind not in SYNTHS:
        raise ConfigError(f"synths: found kind {synth.kind!r}, expected one of {', '.join(SYNTHS)}.")
    return SYNTHS[synth.kind](synth, config)
