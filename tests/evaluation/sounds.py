"""Sounds whose scores are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from luthier.data.array_files import write_array
from luthier.data.dataset import ARRAYS, Dataset, array_path
from luthier.data.manifest import Manifest, Recording, split_entry, write_manifest
from luthier.data.split import Block, Split
from luthier.data.statistics import FrameArrays, measure_statistics
from luthier.data.synthetic import synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import MEASURED

RATE = 16000
RECORDING = "0" * 16


def tone(f0_hz: float, *, seconds: float = 1.0, sample_rate: int = RATE, n_harmonics: int = 6) -> Tensor:
    """Harmonics that fall by their number, (1, n_samples), peak below 0.3."""
    time = torch.arange(round(seconds * sample_rate), dtype=torch.float64) / sample_rate
    numbers = [k for k in range(1, n_harmonics + 1) if k * f0_hz < sample_rate / 2]
    wave = sum(torch.sin(2 * torch.pi * k * f0_hz * time + k) / k for k in numbers)
    return (0.1 * torch.as_tensor(wave)).float().unsqueeze(0)


def melody(*, note_seconds: float = 0.25, midi: tuple[int, ...] = (60, 64, 67, 72, 65, 62)) -> Tensor:
    """Notes that begin hard and die away, (1, n_samples)."""
    notes = [tone(440 * 2 ** ((note - 69) / 12), seconds=note_seconds) for note in midi]
    decay = torch.exp(-8 * torch.arange(notes[0].shape[-1]) / RATE)
    return torch.cat([note * decay for note in notes], dim=-1)


def white(n_samples: int, *, level: float = 0.1, seed: int = 0) -> Tensor:
    """White noise, (1, n_samples)."""
    return level * torch.randn(1, n_samples, generator=torch.Generator().manual_seed(seed))


def performance_dataset(folder: Path, definition: FeatureDefinition, *, seconds: float = 12.0) -> Dataset:
    """A synthetic performance with its true features: two thirds for training, a sixth each for validation and test."""
    played = synthetic_instrument(definition, torch.ones(1), torch.Generator().manual_seed(3), seconds=seconds)
    arrays = [played.audio, *played.features[: len(MEASURED)]]
    folder.mkdir(parents=True)
    for name, values in zip(ARRAYS, arrays, strict=True):
        write_array(array_path(folder, RECORDING, name), [values.reshape(-1).numpy()])
    count = played.features.f0_hz.shape[1]
    recording = Recording(
        id=RECORDING,
        name="performance.wav",
        content_hash="0" * 64,
        source_rate=definition.sample_rate,
        source_channels=1,
        n_samples=played.audio.shape[-1],
        n_frames=count,
    )
    sixth = count // 6
    split = Split(
        "blocks",
        (Block(RECORDING, 0, 4 * sixth),),
        (Block(RECORDING, 4 * sixth, sixth),),
        (Block(RECORDING, 5 * sixth, sixth),),
    )
    manifest = Manifest(
        definition=definition,
        recordings=(recording,),
        split=split_entry(split),
        statistics=measure_statistics(
            [FrameArrays(*(values.reshape(-1).numpy() for values in played.features[: len(MEASURED)]))],
            definition.frame_rate,
        ),
        credit="Played by <nobody>",
        licence="CC0 1.0",
    )
    write_manifest(folder, manifest)
    return Dataset.open(folder)


def level(db: float) -> float:
    """Linear gain of a number of dB."""
    return float(np.power(10.0, db / 20))
