"""Recordings and datasets whose content is known sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from luthier.data.array_files import write_array
from luthier.data.dataset import ARRAYS, Dataset, array_path
from luthier.data.manifest import Manifest, Recording, split_entry, write_manifest
from luthier.data.split import Block, Split
from luthier.data.statistics import FrameArrays, measure_statistics
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames


def tone(seconds: float, sample_rate: int, frequency_hz: float = 440.0) -> np.ndarray:
    """A sine with two harmonics, (n_samples,) float32."""
    cycles = frequency_hz * np.arange(round(seconds * sample_rate)) / sample_rate
    wave = sum(np.sin(2 * np.pi * k * cycles) / k for k in (1, 2, 3))
    return (0.2 * wave).astype(np.float32)


def write_tone(path: Path, seconds: float = 1.0, sample_rate: int = 16000, frequency_hz: float = 440.0) -> Path:
    """A sound file with a tone in it."""
    soundfile.write(path, tone(seconds, sample_rate, frequency_hz), sample_rate)
    return path


def recording_id(index: int) -> str:
    """The id of the recording with this number in a dataset of `make_dataset`."""
    return f"{index:016x}"


def build_dataset(
    folder: Path, lengths: Sequence[int], definition: FeatureDefinition, train: Sequence[tuple[int, int, int]]
) -> Dataset:
    """A dataset of ramps: sample i has the value i, frame t has f0 t + 1, periodicity t / 1e6, the others t / 100."""
    folder.mkdir(parents=True, exist_ok=True)
    recordings = tuple(_write_ramps(folder, index, n, definition.hop_length) for index, n in enumerate(lengths))
    blocks = tuple(Block(recording_id(index), start, length) for index, start, length in train)
    manifest = Manifest(
        definition=definition,
        recordings=recordings,
        split=split_entry(Split("blocks", blocks, blocks[:1], blocks[:1])),
        statistics=measure_statistics(
            [FrameArrays(*np.ones((len(FrameArrays._fields), 4), dtype=np.float32))], definition.frame_rate
        ),
    )
    write_manifest(folder, manifest)
    return Dataset.open(folder)


def _write_ramps(folder: Path, index: int, n_samples: int, hop_length: int) -> Recording:
    count = n_frames(n_samples, hop_length)
    frames = np.arange(count, dtype=np.float32)
    ramps = {"audio": np.arange(n_samples), "f0_hz": frames + 1, "periodicity": frames / 1e6}
    for name in ARRAYS:
        write_array(array_path(folder, recording_id(index), name), [ramps.get(name, frames / 100)])
    return Recording(
        id=recording_id(index),
        name=f"take {index}.wav",
        content_hash=f"{index:064x}",
        source_rate=16000,
        source_channels=1,
        n_samples=n_samples,
        n_frames=count,
    )
