"""What the tests of the apps share: a sound and an instrument."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from luthier.data.audio_files import save_audio
from luthier.data.synthetic import plucked_string
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary, save_instrument
from luthier.model.presets import instrument_config, preset_tables


@pytest.fixture(scope="session")
def tone_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a voice-like tone of 220 Hz that swells, with silence after it, at 44.1 kHz."""
    seconds, rate = 2.5, 44100
    time = torch.arange(int(seconds * rate)) / rate
    tone = sum(torch.sin(2 * torch.pi * 220 * k * time) / k for k in range(1, 8))
    audio = 0.2 * tone * torch.sin(torch.pi * time / 2).clamp_min(0) * (time < 2)
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    save_audio(path, audio, rate)
    return path


@pytest.fixture(scope="session")
def instrument_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instrument that has learned nothing yet."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        instrument = Instrument(instrument_config(preset_tables("fast")["instrument"]))
    path = tmp_path_factory.mktemp("instrument") / "untrained.safetensors"
    save_instrument(path, instrument, TrainingSummary(licence="CC0", credit="nobody"))
    return path


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight plucked notes in one file, enough for a build."""
    notes = [plucked_string(semitone, 16000, 1.5) for semitone in (-12, -7, -3, 0, 2, 5, 9, 11)]
    path = tmp_path_factory.mktemp("recordings") / "take.wav"
    save_audio(path, 0.5 * torch.cat(notes, dim=1), 16000)
    return path
