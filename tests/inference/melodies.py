"""Melodies as features: notes of known pitch, vibrato and loudness; and what of a fitted one a diagnosis looks at."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import cast

import torch

from luthier.dsp.signals import Features
from luthier.inference.fitting import Fitted
from luthier.units import midi_to_hz

FRAME_RATE = 100.0


def sung(*notes: float | None, seconds: float = 0.5, vibrato: float = 0.0, level_db: float = -20.0) -> Features:
    """MIDI pitches one after another, `None` for a rest, with a vibrato of 6 Hz of so many semitones."""
    n_frames = round(seconds * FRAME_RATE)
    time = torch.arange(n_frames, dtype=torch.float64) / FRAME_RATE
    wave = vibrato * torch.sin(2 * math.pi * 6 * time)
    midi = torch.cat([(60.0 if note is None else note) + wave for note in notes])
    is_note = torch.tensor([note is not None for note in notes]).repeat_interleave(n_frames).float()
    level = is_note * level_db + (1 - is_note) * -90.0
    return Features(*(values.float().view(1, -1, 1) for values in (midi_to_hz(midi), is_note, level)))


def told(**fields: object) -> Fitted:
    """Of a melody made ready, how much noise it asks for and where its expression comes from."""
    return cast("Fitted", SimpleNamespace(**{"noisier_db": 0.0, "expression": "predict"} | fields))
