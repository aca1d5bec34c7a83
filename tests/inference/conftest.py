from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from luthier.inference.player import Player
from luthier.model.instrument_file import TrainingSummary
from model.small import small_instrument

RATE = 16000
TUNE_HZ = (110.0, 146.83, 123.47)
NOISY = [{"kind": "harmonic"}, {"kind": "filtered_noise"}]
NOTE_SECONDS, REST_SECONDS = 0.4, 0.3


def low_voice(rate: int = RATE) -> Tensor:
    """Three notes with rests between them and after, an octave below the small violin's range: (1, n_samples)."""
    parts = []
    for f0_hz in TUNE_HZ:
        time = torch.arange(int(NOTE_SECONDS * rate), dtype=torch.float64) / rate
        note = sum(torch.sin(2 * math.pi * f0_hz * k * time) / k for k in range(1, 9))
        fade = (time / 0.02).clamp_max(1) * ((NOTE_SECONDS - time) / 0.02).clamp(0, 1)
        parts += [0.2 * note * fade, torch.zeros(int(REST_SECONDS * rate), dtype=torch.float64)]
    return torch.cat(parts).float().unsqueeze(0)


def middle_of_notes(frame_rate: float = 100.0) -> list[slice]:
    """Frames in the middle of each note."""
    step = NOTE_SECONDS + REST_SECONDS
    starts = [(index * step + 0.15) * frame_rate for index in range(len(TUNE_HZ))]
    return [slice(round(start), round(start + 0.15 * frame_rate)) for start in starts]


def middle_of_rests(frame_rate: float = 100.0) -> list[slice]:
    """Frames well inside each rest."""
    step = NOTE_SECONDS + REST_SECONDS
    starts = [(index * step + NOTE_SECONDS + 0.1) * frame_rate for index in range(len(TUNE_HZ))]
    return [slice(round(start), round(start + 0.1 * frame_rate)) for start in starts]


@pytest.fixture(scope="session")
def player() -> Player:
    """A small untrained violin of 200 to 1024 Hz: its timbre is random and full of noise, its manners are not."""
    return Player(small_instrument(synths=NOISY), TrainingSummary(licence="CC0"))


@pytest.fixture(scope="session")
def voice() -> Tensor:
    return low_voice()
