"""The instrument: features in, controls, dry audio, room, audio out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from luthier.dsp.signals import MEASURED, VOICED_PERIODICITY, Controls, Expression, Features
from luthier.errors import ConfigError, ShapeError
from luthier.model.config import InstrumentConfig
from luthier.model.decoder import Decoder, DecoderState
from luthier.model.inputs import EXPRESSION_INPUTS
from luthier.model.obedience import Obedience, wished_expression
from luthier.model.predictor import Predictor
from luthier.model.rooms import build_room, tone_gain
from luthier.model.statistics import N_QUANTILES, Statistics
from luthier.model.synths import build_synth
from luthier.units import octaves_to_hz

N_NOTES, SETTLED_FRAMES = 51, 50
"""Of an instrument that is listened to for its level without the room."""
KNOWN_PERCENTILE = 10
"""Of an instrument's notes, by loudness. The softest are what is left of them in the room, or ends: told to be as soft, a
violin answers a fading note with noise, and its fundamental may go."""


class InstrumentState(NamedTuple):
    """What an instrument remembers from one block to the next.

    Attributes:
        decoder: of the network.
        predictor: (batch, 1, n_units) of the predictor; no units where there is none.
    """

    decoder: DecoderState
    predictor: Tensor


class Instrument(nn.Module):
    """What was learned from recordings, ready to be played.

        features -> decoder -> controls -> synths, summed -> dry audio -> room -> audio
            `-> predictor ^       ^ obedience   as loud, and as bright, warm and hollow, as the features ask
                supplies the expression that the features leave out

    Attributes:
        config: what decides its shape.
        statistics: of the training material.
        predictor: supplies expression; None where the network has no input for it.
        decoder: the network.
        synths: the synthesisers of the signal chain.
        obedience: makes controls do what the features ask for.
        room: the room.
    """

    def __init__(self, config: InstrumentConfig) -> None:
        super().__init__()
        self.config = config
        self.synths = [build_synth(synth, config) for synth in config.synths]
        self.statistics = Statistics()
        inputs = config.decoder.inputs
        self.predictor = Predictor(inputs) if set(inputs) & set(EXPRESSION_INPUTS) else None
        self.obedience = Obedience(config)
        self._sizes, n_corrections = [synth.n_outputs for synth in self.synths], self.obedience.n_outputs
        self.decoder = Decoder(config.decoder, sum(self._sizes) + n_corrections)
        if n_corrections:  # nothing is corrected before anything is known
            for weights in self.decoder.head.parameters():
                nn.init.zeros_(weights[-n_corrections:])
        self.room = build_room(config.room, config.sample_rate)

    @property
    def n_parameters(self) -> int:
        """How many numbers were learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    def start(self, batch: int) -> InstrumentState:
        """The state before the first block."""
        decoder = self.decoder.start(batch)
        return InstrumentState(
            decoder, decoder.hidden[..., :0] if self.predictor is None else self.predictor.start(batch)
        )

    def expression(self, features: Features) -> Expression:
        """What this instrument would do of its own accord at this pitch and loudness.

        Args:
            features: (batch, n_frames, 1) each, physical units; an expression in them is not looked at.

        Raises:
            ConfigError: its network has no input for expression.
        """
        if self.predictor is None:
            raise ConfigError(f"preset {self.config.preset!r} follows pitch and loudness only: it has no expression.")
        return self.predictor(features, self.statistics, self.predictor.start(len(features.f0_hz)))[0]

    def with_known_loudness(self, features: Features) -> Features:
        """Have soft notes of other melodies than its recordings played like those it knows, and turned down.

        Args:
            features: (batch, n_frames, 1) each, physical units.

        Returns:
            The same with `told_loudness_db`, if the instrument obeys loudness.
        """
        if "loudness" not in self.config.obeys:
            return features
        known_db = features.loudness_db.clamp_min(self.statistics.loudness_db_quantiles[KNOWN_PERCENTILE])
        has_pitch = features.periodicity >= VOICED_PERIODICITY
        return features._replace(told_loudness_db=torch.where(has_pitch, known_db, features.loudness_db))

    def controls_block(
        self, features: Features, state: InstrumentState, f0_hz: Tensor | None = None
    ) -> tuple[Controls, InstrumentState]:
        """Decide what to play for a block of frames.

        Args:
            features: (batch, n_frames, 1) each, physical units; expression that is None is predicted.
            state: `start(batch)` or what the last block returned.
            f0_hz: (batch, n_frames, 1), of the tone, where that is not the pitch that the network is told.

        Returns:
            Controls of the same frames, and the new state.

        Raises:
            ShapeError: the features do not have one common shape (batch, n_frames, 1), or `is_wish` does not fit to it.
        """
        names = (*MEASURED, "told_loudness_db")
        shapes = {tuple(value.shape) for name in names if (value := getattr(features, name)) is not None}
        if len(shapes) != 1 or features.f0_hz.ndim != 3 or features.f0_hz.shape[-1] != 1:
            raise ShapeError(f"features have shapes {sorted(shapes)}: expected one common (batch, n_frames, 1).")
        f0_hz = features.f0_hz if f0_hz is None else f0_hz
        is_wish = wished_expression(features)
        features, predictor = self._with_expression(features, state.predictor)
        raw, decoder = self.decoder(self._as_told(features), self.statistics, state.decoder)
        raw = raw.to(features.f0_hz.dtype)  # under autocast the network speaks in fewer digits
        *shares, corrections = raw.split([*self._sizes, self.obedience.n_outputs], dim=-1)
        fields = self._silent_fields(f0_hz)
        for synth, share in zip(self.synths, shares, strict=True):
            fields |= synth.controls(share, f0_hz)
        with torch.autocast(f0_hz.device.type, enabled=False):  # what holds exactly is worked out exactly
            controls = self.obedience.apply(Controls(**fields), corrections, features, is_wish)
        return controls, InstrumentState(decoder, predictor)

    def controls(self, features: Features, f0_hz: Tensor | None = None) -> Controls:
        """Decide what to play for a whole clip: `controls_block` called once."""
        return self.controls_block(features, self.start(len(features.f0_hz)), f0_hz)[0]

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

    @torch.no_grad()
    def dry_gain(self) -> Tensor:
        """What to multiply the dry sound with so that it is as loud as what is heard in the room: a scalar.

        Where the room can take over a part of the playing, it rings just where the notes of the recordings lie: the gain
        is read off notes over their range, of medium loudness, held until the network has settled.
        """
        if not self.room.takes_over:
            return self.room.direct_gain()
        found = self.statistics
        octaves = found.f0_octaves_quantiles[:: (N_QUANTILES - 1) // (N_NOTES - 1)].view(-1, 1, 1)
        f0_hz = octaves_to_hz(octaves).expand(-1, SETTLED_FRAMES, 1).contiguous()
        level_db = torch.full_like(f0_hz, float(found.loudness_db_quantiles[N_QUANTILES // 2]))
        controls = self.controls(Features(f0_hz, torch.ones_like(f0_hz), level_db))
        power = (controls.amplitude * controls.harmonic_distribution)[:, -1].square()
        if not bool(power.any()):
            return self.room.direct_gain()
        hz = f0_hz[:, -1] * torch.arange(1, power.shape[-1] + 1).to(f0_hz)
        return tone_gain(self.room.impulse_response(), self.config.sample_rate, hz, power)

    def forward(self, features: Features, noise: Tensor) -> Tensor:
        """Play a whole clip in the room.

        Args:
            features: (batch, n_frames, 1) each, physical units.
            noise: (batch, n_frames * hop_length), white, uniform in [-1, 1].

        Returns:
            (batch, n_frames * hop_length).
        """
        return self.room(self.dry(self.controls(features), noise))

    def _as_told(self, features: Features) -> Features:
        told_db = features.told_loudness_db
        if told_db is None or "loudness" not in self.config.obeys:  # who does not obey would play it
            return features
        return features._replace(loudness_db=told_db)

    def _with_expression(self, features: Features, hidden: Tensor) -> tuple[Features, Tensor]:
        """Fill in what the features leave to the instrument."""
        missing = [name for name in Expression._fields if getattr(features, name) is None]
        if self.predictor is None or not missing:
            return features, hidden
        predicted, hidden = self.predictor(features, self.statistics, hidden)
        return features._replace(**{name: getattr(predicted, name) for name in missing}), hidden

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
