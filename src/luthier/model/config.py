"""The configuration of an instrument: everything that decides its shape, nothing that was learned."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from luthier.dsp.feature_definition import FeatureDefinition

MAXIMUM_WIDTH = 1024
MAXIMUM_INPUTS = 9
"""Widest layer and most inputs accepted: a small file from a stranger must not be able to ask for all the
memory there is before its weights are compared with its configuration. All at their largest: half a gigabyte."""


class FrozenConfig(BaseModel):
    """Base of all configurations: cannot change, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DecoderConfig(FrozenConfig):
    """The network between features and controls: stacks, a GRU, a stack, one linear layer."""

    inputs: tuple[str, ...] = Field(
        ("f0_octaves_z", "loudness_z", "periodicity"),
        min_length=1,
        max_length=MAXIMUM_INPUTS,
        description="scaled features, see model/inputs.py",
    )
    input_width: int = Field(32, ge=1, le=MAXIMUM_WIDTH, description="units in each input's own stack")
    input_depth: int = Field(1, ge=0, le=8, description="layers in each input's own stack; 0: the input itself")
    gru_width: int = Field(96, ge=1, le=MAXIMUM_WIDTH, description="units of the GRU")
    output_width: int = Field(96, ge=1, le=MAXIMUM_WIDTH, description="units in the stack after the GRU")
    output_depth: int = Field(2, ge=0, le=8, description="layers in the stack after the GRU; 0: none")
    dropout: float = Field(0.0, ge=0.0, le=0.9, description="part of what enters the last stack left out in training")


class SynthConfig(FrozenConfig):
    """One synthesiser of the signal chain; their outputs are summed."""

    kind: str = Field(description="name of the class, see model/synths.py")
    gain: float = Field(1.0, ge=0.0, le=100.0, description="weight in the sum, linear")
    initial_bias: float = Field(0.0, ge=-20.0, le=20.0, description="added before the scaling to an amplitude")
    mel_bands: int = Field(
        0, ge=0, le=2049, description="filtered_noise: bands on the mel scale that the network decides; 0: every band"
    )
    resonances: int = Field(
        0, ge=0, le=1024, description="harmonic: gains over frequency, read off at each harmonic; 0: none"
    )


class RoomConfig(FrozenConfig):
    """The last link of the signal chain."""

    kind: str = Field(
        "decaying", description="name of the class, see model/rooms.py; auto: the one that suits the recordings"
    )
    seconds: float = Field(1.0, ge=0.001, le=10.0, description="length of the impulse response, s")


class InstrumentConfig(FrozenConfig):
    """An instrument before it has learned anything."""

    preset: str = Field("custom", max_length=100, description="name of the preset it started from")
    features: FeatureDefinition = Field(FeatureDefinition(), description="what it listens to")
    n_harmonics: int = Field(60, ge=1, le=1024, description="sines in the harmonic synthesiser")
    n_bands: int = Field(65, ge=2, le=2049, description="bands of the noise filter, 0 Hz to Nyquist")
    decoder: DecoderConfig = Field(DecoderConfig(), description="the network")
    synths: tuple[SynthConfig, ...] = Field(
        (SynthConfig(kind="harmonic"), SynthConfig(kind="filtered_noise", initial_bias=-5.0)),
        min_length=1,
        max_length=16,
        description="the synthesisers, summed",
    )
    obeys: tuple[Literal["loudness", "timbre"], ...] = Field(
        (), max_length=2, description="what of the features holds by construction, see model/obedience.py"
    )
    room: RoomConfig = Field(RoomConfig(), description="the room it stands in")

    @model_validator(mode="before")
    @classmethod
    def _follow_the_sample_rate(cls, values: object) -> object:
        """Counts that are left out follow from the sample rate."""
        features = values.get("features") if isinstance(values, dict) else None
        rate = features.get("sample_rate") if isinstance(features, dict) else getattr(features, "sample_rate", None)
        if isinstance(values, dict) and isinstance(rate, int) and rate > 16000:
            values = {"n_harmonics": min(200, 60 * rate // 16000), "n_bands": 129} | values
        return values

    @model_validator(mode="after")
    def _each_synth_once(self) -> InstrumentConfig:
        """Two of a kind would share their controls and the name of their stem."""
        kinds = [synth.kind for synth in self.synths]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"synths are {', '.join(kinds)}: expected each kind at most once")
        return self

    @model_validator(mode="after")
    def _gains_are_in_the_controls(self) -> InstrumentConfig:
        """What controls promise is what is heard of them."""
        if self.obeys and any(synth.gain != 1.0 for synth in self.synths):
            raise ValueError("obeys, but a synth has another gain than 1: set the gain to 1, or obeys = []")
        return self

    @model_validator(mode="after")
    def _timbre_is_an_input(self) -> InstrumentConfig:
        """Who predicts what is not given learns from the network that hears it."""
        missing = {"brightness_z", "warmth_z", "hollowness_z"} - {*self.decoder.inputs}
        if "timbre" in self.obeys and missing:
            raise ValueError(
                f"obeys timbre, but decoder.inputs lack {', '.join(sorted(missing))}: add them, or leave it out"
            )
        return self

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.features.sample_rate

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self.features.hop_length
