"""The instrument: features in, controls, dry audio, room, audio out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from luthier.dsp.signals import Controls, Features
from luthier.errors import ShapeError
from luthier.model.config import InstrumentConfig
from luthier.model.decoder import Decoder, DecoderState
from luthier.model.rooms import build_room
from luthier.model.statistics import Statistics
from luthier.model.synths import build_synth


class Instrument(nn.Module):
    """What was learned from recordings, ready to be played.

        features -> decoder -> controls -> synths, summed -> dry audio -> room -> audio

    Attributes:
        config: what decides its shape.
        statistics: of the training material.
        decoder: the network.
        synths: the synthesisers of the signal chain.
        room: the room.
    """

    def __init__(self, config: InstrumentConfig) -> None:
        super().__init__()
        self.config = config
        self.synths = [build_synth(synth, config) for synth in config.synths]
        self.statistics = Statistics()
        self.decoder = Decoder(config.decoder, sum(synth.n_outputs for synth in self.synths))
        self.room = build_room(config.room, config.sample_rate)

    @property
    def n_parameters(self) -> int:
        """How many numbers were learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    def start(self, batch: int) -> DecoderState:
        """The state before the first block."""
        return self.decoder.start(batch)

    def controls_block(self, features: Features, state: DecoderState) -> tuple[Controls, DecoderState]:
        """Decide what to play for a block of frames.

        Args:
            features: (batch, n_frames, 1) each, physical units.
            state: `start(batch)` or what the last block returned.

        Returns:
            Controls of the same frames, and the new state.

        Raises:
            ShapeError: the features do not have one common shape (batch, n_frames, 1).
        """
        shapes = {tuple(value.shape) for value in features}
        if len(shapes) != 1 or features.f0_hz.ndim != 3 or features.f0_hz.shape[-1] != 1:
            raise ShapeError(f"features have shapes {sorted(shapes)}: expected one common (batch, n_frames, 1).")
        raw, state = self.decoder(features, self.statistics, state)
        raw = raw.to(features.f0_hz.dtype)  # under autocast the network speaks in fewer digits
        sizes = [synth.n_outputs for synth in self.synths]
        fields = self._silent_fields(features.f0_hz)
        for synth, share in zip(self.synths, raw.split(sizes, dim=-1), strict=True):
            fields |= synth.controls(share, features.f0_hz)
        return Controls(**fields), state

    def controls(self, features: Features) -> Controls:
        """Decide what to play for a whole clip: `controls_block` called once."""
        return self.controls_block(features, self.start(len(features.f0_hz)))[0]

    def stems(self, controls: Controls, noise: Tensor) -> dict[str, Tensor]:
        """Play each synthesiser by itself, as it enters the sum.

        Args:
            controls: (batch, n_frames, ...) each.
            noise: (batch, n_frames * hop_length), white, uniform in [-1, 1].

        Returns:
            By the synthesiser's name, (batch, n_frames * hop_length).
        """
        return {synth.synth.kind: synth.synth.gain * synth.render(controls, noise) for synth in self.synths}

    def dry(self, controls: Controls, noise: Tensor) -> Tensor:
        """Play a whole clip without the room: (batch, n_frames * hop_length)."""
        return torch.stack(list(self.stems(controls, noise).values())).sum(dim=0)

    def forward(self, features: Features, noise: Tensor) -> Tensor:
        """Play a whole clip in the room.

        Args:
            features: (batch, n_frames, 1) each, physical units.
            noise: (batch, n_frames * hop_length), white, uniform in [-1, 1].

        Returns:
            (batch, n_frames * hop_length).
        """
        return self.room(self.dry(self.controls(features), noise))

    def _silent_fields(self, f0_hz: Tensor) -> dict[str, Tensor]:
        """Fields of `Controls` for an instrument whose synthesisers leave some of them out."""
        silence = torch.zeros_like(f0_hz)
        return {
            "f0_hz": f0_hz,
            "amplitude": silence,
            "harmonic_distribution": silence.expand(-1, -1, self.config.n_harmonics),
            "noise_magnitudes": silence.expand(-1, -1, self.config.n_bands),
        }


def white_noise(batch: int, n_samples: int, generator: torch.Generator, device: torch.device | None = None) -> Tensor:
    """Draw the noise that an instrument filters.

    Returns:
        (batch, n_samples), uniform in [-1, 1], drawn on the generator's device and moved to `device`.
    """
    noise = torch.rand(batch, n_samples, generator=generator, device=generator.device)
    return noise.mul_(2.0).sub_(1.0).to(device or generator.device)
