"""What an evaluation found: numbers with names, and their JSON."""

from __future__ import annotations

import math
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from luthier.data.split import Part
from luthier.evaluation.metrics import FRAMED_METRICS, PITCH_METRICS, PLAIN_METRICS

Number: TypeAlias = float | None
"""A score; None where it could not be taken (no pitch, no onset)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FramedScore(_Frozen):
    """One metric of the instrument, with what it is to be read beside."""

    model: float = Field(description="the instrument's score: mean over clips and noise seeds; lower is better")
    low: Number = Field(description="lower end of Student's 95 % interval of that mean over passages; null for one")
    high: Number = Field(description="upper end of that interval")
    bootstrap_low: Number = Field(None, description="the same by bootstrap, as published: too narrow for few passages")
    bootstrap_high: Number = Field(None, description="upper end of that")
    floor: float = Field(description="two noises with the same controls, one against the other")
    oracle: float = Field(description="closed-form analysis of the same audio, played back")
    base: float = Field(description="constant mean timbre following f0 and loudness")
    gap: Number = Field(description="(model - oracle) / (base - oracle): 0 as good as analysis, 1 learned nothing")
    predicted: Number = Field(
        None, description="the instrument's score with its own expression; null where it takes none"
    )
    predicted_gap: Number = Field(None, description="the gap of that")
    gap_low: Number = Field(
        None, description="lower end of the 95 % interval of the gap, by jackknife; null for a single passage"
    )
    gap_high: Number = Field(None, description="upper end of that interval")
    predicted_gap_low: Number = Field(None, description="lower end of the 95 % interval of the predicted gap")
    predicted_gap_high: Number = Field(None, description="upper end of that interval")


class RoomSummary(_Frozen):
    """The instrument's room."""

    t60_seconds: Number = Field(description="reverberation time from T20, s")
    direct_to_reverberant_db: Number = Field(description="direct sound against the rest, dB")


class Passage(_Frozen):
    """Where a clip is."""

    recording: str = Field(description="its file name")
    start_seconds: float
    seconds: float


class ClipScores(Passage):
    """One clip: where it is, and what scores on it (averages over noise seeds)."""

    sounding_seconds: Number = Field(None, description="of these, within 60 dB of the loudest moment of all passages")
    scores: dict[str, Number] = Field(description="the instrument's")
    predicted: dict[str, Number] = Field(default_factory=dict, description="the same with an expression of its own")
    floor: dict[str, Number] = Field(
        default_factory=dict, description="of the metrics with frames, as are the next two"
    )
    oracle: dict[str, Number] = Field(default_factory=dict, description="and those of the pitch")
    base: dict[str, Number] = Field(default_factory=dict)


class Evaluation(_Frozen):
    """Everything that is known about how good an instrument is."""

    preset: str
    split: Part
    seeds: tuple[int, ...]
    mss: FramedScore
    mss_rel: FramedScore
    mel_db: FramedScore
    loudness_db_l1: FramedScore
    lsd_db: Number
    onset_flux: Number
    onset_ms: Number = None
    onset_found: Number = None
    rests_db: Number = None
    f0_cents: Number
    rpa50: Number
    f0_octave_errors: Number
    false_pitch: Number = None
    predicted: dict[str, Number] = Field(
        default_factory=dict, description="the metrics without frames, with the instrument's own expression"
    )
    oracle: dict[str, Number] = Field(
        default_factory=dict, description="the metrics of the pitch, of the recordings analysed and played back"
    )
    room: RoomSummary
    clips: tuple[ClipScores, ...]
    silent: tuple[Passage, ...] = Field((), description="what of that part is not scored, for nothing sounds in it")

    @property
    def framed(self) -> dict[str, FramedScore]:
        """The metrics that have frames of reference, by name."""
        return {name: getattr(self, name) for name in FRAMED_METRICS}

    @property
    def plain(self) -> dict[str, Number]:
        """The other metrics, by name."""
        return {name: getattr(self, name) for name in (*PLAIN_METRICS, *PITCH_METRICS)}

    def to_json(self) -> str:
        """JSON with the metrics as keys; a score that could not be taken is null."""
        return self.model_dump_json(indent=2)


def known(value: float) -> Number:
    """None in place of NaN, which JSON does not have."""
    return None if math.isnan(value) else value
