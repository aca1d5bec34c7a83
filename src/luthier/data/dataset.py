"""A prepared dataset: a folder with a manifest and one mapped array per recording and feature."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from luthier.data.array_files import array_path, check_array, map_array
from luthier.data.dataset_formats import read_manifest
from luthier.data.manifest import Manifest, Recording
from luthier.data.split import Block, Part
from luthier.data.statistics import Statistics
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import MEASURED, Features
from luthier.errors import DatasetError, RangeError

ARRAYS = ("audio", *MEASURED)
MOST_MAPPED = 4096
"""Recordings whose arrays are mapped at once: a process may have 65,530 mappings on Linux, and each array is one."""


class RecordingArrays(NamedTuple):
    """The arrays of one recording, mapped from disk.

    Attributes:
        audio: (n_samples,), full scale is 1.
        f0_hz: (n_frames,), Hz.
        periodicity: (n_frames,), 0..1.
        loudness_db: (n_frames,), dB.
        brightness_octaves, warmth_db, hollowness_db, noisiness_db, air_octaves: (n_frames,) each.
    """

    audio: Tensor
    f0_hz: Tensor
    periodicity: Tensor
    loudness_db: Tensor
    brightness_octaves: Tensor
    warmth_db: Tensor
    hollowness_db: Tensor
    noisiness_db: Tensor
    air_octaves: Tensor


class Window(NamedTuple):
    """A stretch of a recording.

    Attributes:
        audio: (n_frames * hop_length,), zero past the end of the recording.
        features: (n_frames, 1) each; past the end no pitch, loudness at its floor, the others held.
    """

    audio: Tensor
    features: Features


class Dataset:
    """Recordings with their features, the split and the statistics of the training part."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Use `Dataset.open`."""
        self.path = path
        self.manifest = manifest
        self._by_id = {recording.id: recording for recording in manifest.recordings}
        for recording in manifest.recordings:
            _check(path, recording)
        self._mapped = lru_cache(MOST_MAPPED)(lambda recording: _map(path, self._by_id[recording]))

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """Open a dataset folder after checking that all of it is there and fits together.

        A folder of an older format is brought to today's first, once and for all.

        Raises:
            DatasetError: the folder is missing, damaged, of an unknown version, or of an older one and cannot be
                written to; says what to do.
        """
        path = Path(path)
        if not path.is_dir():
            raise DatasetError(f"{path}: no such dataset folder. Make one with: luthier prepare")
        return cls(path, read_manifest(path))

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """What tells it from other datasets: 64 hexadecimal digits each.

        By name: `dataset`, of the recordings; `features`, of the split and of what shows in the statistics of the training
        part; `pitch`, of the pitch in every frame.
        """
        told = [part.model_dump(mode="json") for part in (self.statistics, self.manifest.split)]
        pitch = hashlib.sha256()
        for recording in self.recordings:
            for array in ("f0_hz", "periodicity"):
                pitch.update(map_array(array_path(self.path, recording.id, array), recording.n_frames).numpy().data)
        hashes = "".join(recording.content_hash for recording in self.recordings)
        recorded, measured = (hashlib.sha256(text.encode()).hexdigest() for text in (hashes, json.dumps(told)))
        return {"dataset": recorded, "features": measured, "pitch": pitch.hexdigest()}

    @property
    def definition(self) -> FeatureDefinition:
        """What exactly the features mean."""
        return self.manifest.definition

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All recordings, in natural order of their names."""
        return self.manifest.recordings

    @property
    def statistics(self) -> Statistics:
        """Distribution of the features over the training blocks."""
        return self.manifest.statistics

    @property
    def credit(self) -> str:
        """Whom to name when sharing results."""
        return self.manifest.credit

    @property
    def licence(self) -> str:
        """Licence of the recordings."""
        return self.manifest.licence

    @cached_property
    def _blocks(self) -> dict[Part, list[Block]]:
        split = self.manifest.split
        return {
            "train": list(split.train),
            "validation": list(split.validation),
            "test": list(split.test),
            "trainval": sorted([*split.train, *split.validation]),
        }

    def blocks(self, part: Part) -> list[Block]:
        """The blocks of "train", "validation", "test" or "trainval".

        Raises:
            RangeError: there is no such part.
        """
        if part not in self._blocks:
            raise RangeError(f"part {part!r}: expected one of {', '.join(self._blocks)}.")
        return list(self._blocks[part])

    @cached_property
    def _block_ends(self) -> dict[Part, np.ndarray]:
        return {part: np.cumsum([block.n_frames for block in blocks]) for part, blocks in self._blocks.items()}

    def block_ends(self, part: Part) -> np.ndarray:
        """(n_blocks,), the frames of the part up to the end of each of its blocks; do not write into it."""
        return self._block_ends[part]

    def arrays(self, recording: str) -> RecordingArrays:
        """The mapped arrays of a recording; do not write into them.

        Raises:
            DatasetError: there is no recording with this id.
        """
        return self._mapped(self._find(recording).id)

    def _find(self, recording: str) -> Recording:
        if recording not in self._by_id:
            raise DatasetError(f"{self.path}: no recording {recording!r} in this dataset.")
        return self._by_id[recording]

    def name_of(self, recording: str) -> str:
        """The file name of a recording as it was given, for people.

        Raises:
            DatasetError: there is no recording with this id.
        """
        return self._find(recording).name

    def window(self, recording: str, start_frame: int, n_frames: int) -> Window:
        """Cut a stretch out of a recording, padded with silence past its end.

        Args:
            recording: id of the recording.
            start_frame: first frame, 0 or more, inside the recording.
            n_frames: frames wanted, 1 or more.

        Raises:
            DatasetError: there is no recording with this id.
            RangeError: the stretch starts outside the recording or has no frame.
        """
        arrays = self.arrays(recording)
        available = len(arrays.f0_hz)
        if not 0 <= start_frame < available or n_frames < 1:
            raise RangeError(
                f"window of {n_frames} frames at frame {start_frame}: expected 1 or more, from 0 to {available - 1}."
            )
        hop_length = self.definition.hop_length
        frames = slice(start_frame, start_frame + n_frames)
        samples = slice(start_frame * hop_length, (start_frame + n_frames) * hop_length)
        ends = {"periodicity": 0.0, "loudness_db": self.definition.loudness_floor_db}
        found = {name: getattr(arrays, name)[frames] for name in MEASURED}
        features = Features(
            **{
                name: _padded(values, n_frames, ends.get(name, float(values[-1]))).unsqueeze(-1)
                for name, values in found.items()
            }
        )
        return Window(_padded(arrays.audio[samples], n_frames * hop_length, 0.0), features)


def _lengths(recording: Recording) -> dict[str, int]:
    return dict.fromkeys(ARRAYS, recording.n_frames) | {"audio": recording.n_samples}


def _check(folder: Path, recording: Recording) -> None:
    for array, length in _lengths(recording).items():
        check_array(array_path(folder, recording.id, array), length)


def _map(folder: Path, recording: Recording) -> RecordingArrays:
    lengths = _lengths(recording)
    return RecordingArrays(*(map_array(array_path(folder, recording.id, array), lengths[array]) for array in ARRAYS))


def _padded(values: Tensor, length: int, fill: float) -> Tensor:
    """A copy of the given length; the caller may write into it."""
    padded = torch.full((length,), fill)
    padded[: len(values)] = values
    return padded
