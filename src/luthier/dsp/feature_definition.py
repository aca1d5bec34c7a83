"""What exactly a number in `Features` means: rates, tracker, loudness. Stored in every file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

WINDOWS_RATE = 16000
"""Hz, at which lengths of windows are counted; at another rate they last as long."""


class FeatureDefinition(BaseModel):
    """Everything needed to measure the same features again, years later, in another clip."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sample_rate: int = Field(16000, ge=8000, le=96000, description="sample rate of the audio, Hz")
    hop_length: int = Field(160, ge=1, le=8192, description="samples from one frame to the next")
    tracker: str = Field("auto", description="pitch tracker, see `luthier prepare --help`")
    f0_min_hz: float = Field(50.0, gt=0, description="lowest fundamental looked for, Hz")
    f0_max_hz: float = Field(2000.0, gt=0, description="highest fundamental looked for, Hz")
    loudness: Literal["a_weighted", "rms"] = Field(
        "a_weighted", description="A-weighted power spectrum, or plain RMS power"
    )
    loudness_n_fft: int = Field(2048, ge=64, le=1 << 16, description="length of a loudness window: samples at 16 kHz")
    loudness_floor_db: float = Field(-80.0, description="quietest loudness reported, dB")

    @property
    def frame_rate(self) -> float:
        """Frames per second, derived."""
        return self.sample_rate / self.hop_length

    @property
    def loudness_seconds(self) -> float:
        """Length of a loudness window, s, derived."""
        return self.loudness_n_fft / WINDOWS_RATE
