"""One recording to its arrays: decoded, one channel, at the dataset's rate, with features.

Runs in a process of its own. Audio is decoded, resampled and measured piece by piece: an hour of it needs no more
memory than two minutes. Only what has the rate of frames is ever held whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from luthier.atomic import atomic_folder
from luthier.data.array_files import map_array, write_array
from luthier.data.audio_files import audio_info, check_readable, read_blocks
from luthier.data.channels import refuse_cancelled
from luthier.data.f0_files import given_pitch, read_f0
from luthier.data.manifest import Recording
from luthier.data.process import give_freed_memory_back
from luthier.data.stored_audio import resampled_blocks, stored_audio, without_offset
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames
from luthier.dsp.signals import MEASURED, VOICED_PERIODICITY, Features
from luthier.errors import AudioFileError, ConfigError, DatasetError, LuthierError, OutputError
from luthier.features.extract import extract_features, features_at
from luthier.features.long_audio import LongAudio
from luthier.units import amplitude_to_db, hz_to_midi

HASH_BLOCK_BYTES = 1 << 20
SHORTEST_SECONDS = 0.1
"""Nothing can be learned from less."""
LARGEST_OFFSET = 1e-3
"""Mean of a recording that is taken for nothing; cheap converters leave some hundredths."""
QUIETEST_PEAK_DB = -70.0
"""A recording whose loudest sample stays below this is taken for silence."""
NOTE_SECONDS = 20.0
"""A single note lasts no longer."""
NOTE_SPAN_SEMITONES = 1.0
"""Farthest from its own median that most of a single note's pitch lies; vibrato stays inside."""
NOTE_FRAMES = 0.8
"""Share of the pitched frames that must."""
ENTRY_NAME = "entry.json"


class Job(NamedTuple):
    """What one process needs to know.

    Attributes:
        path: the recording.
        content_hash: SHA-256 of the file, hexadecimal.
        folder: where its arrays go; complete as soon as it exists.
        definition: rate, hop and features.
        f0_file: pitch curve to use instead of a tracker's, if one was given.
    """

    path: Path
    content_hash: str
    folder: Path
    definition: FeatureDefinition
    f0_file: Path | None = None


class Prepared(NamedTuple):
    """A finished recording.

    Attributes:
        folder: where its arrays lie.
        entry: its line in the manifest.
        note: MIDI number where the recording is one single note, else None.
    """

    folder: Path
    entry: Recording
    note: int | None


class Refused(NamedTuple):
    """A file that cannot be used, and why, in one line."""

    path: Path
    reason: str


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises:
        AudioFileError: it cannot be read.
    """
    check_readable(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(HASH_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:  # a damaged disk, a network that has gone
        raise AudioFileError(f"{path}: cannot be read ({error.strerror or error}). Copy it elsewhere first.") from error
    return digest.hexdigest()


def definition_key(definition: FeatureDefinition) -> str:
    """Short text that differs between definitions: results of one are never taken for another's."""
    return hashlib.sha256(definition.model_dump_json().encode()).hexdigest()[:8]


def prepare_recording(job: Job) -> Prepared | Refused:
    """Make the arrays of one recording, or say why that is not possible; finished work is not done again.

    Raises:
        OutputError: the place cannot be written to, or is full.
        ConfigError: the pitch curve that was given does not fit.
    """
    finished = _finished(job)
    if finished is not None:
        return finished
    try:
        return _prepare(job)
    except (OutputError, ConfigError):
        raise  # the recording is not to blame
    except LuthierError as error:
        return Refused(job.path, str(error))


def _prepare(job: Job) -> Prepared:
    give_freed_memory_back()
    with atomic_folder(job.folder, force=True) as temporary:
        entry, note = _write_arrays(job, temporary)
        content = {"entry": entry.model_dump(mode="json"), "note": note}
        (temporary / ENTRY_NAME).write_text(json.dumps(content), encoding="utf-8")
    return Prepared(job.folder, entry, note)


def _finished(job: Job) -> Prepared | None:
    """What an interrupted run has left complete; anything doubtful is done again."""
    try:
        content = json.loads((job.folder / ENTRY_NAME).read_text(encoding="utf-8"))
        entry = Recording.model_validate(content["entry"]).model_copy(update={"name": _readable(job.path.name)})
        map_array(job.folder / "audio.npy", entry.n_samples)
        for name in MEASURED:
            map_array(job.folder / f"{name}.npy", entry.n_frames)
    except (OSError, ValueError, KeyError, TypeError, ValidationError, DatasetError):
        return None
    return Prepared(job.folder, entry, content["note"])


def _write_arrays(job: Job, folder: Path) -> tuple[Recording, int | None]:
    info = audio_info(job.path)
    definition = job.definition
    blocks = resampled_blocks(read_blocks(job.path), info.sample_rate, definition.sample_rate)
    peaks: list[float] = []
    sums: list[float] = []
    n_samples = write_array(folder / "audio.npy", _noted(blocks, peaks, sums))
    _check_usable(job.path, max(peaks), n_samples / definition.sample_rate)
    audio = stored_audio(folder / "audio.npy", n_samples)
    if abs(sum(sums)) > LARGEST_OFFSET * n_samples:
        # An instrument would learn it as a rumble. What has no offset to speak of stays to the sample as it is.
        with_offset = (folder / "audio.npy").replace(folder / "with_offset.npy")
        write_array(folder / "audio.npy", without_offset(stored_audio(with_offset, n_samples), definition.sample_rate))
        with_offset.unlink()
    features = _features(job, audio)
    for name in MEASURED:
        write_array(folder / f"{name}.npy", [getattr(features, name).reshape(-1).numpy()])
    entry = Recording(
        id=job.content_hash[:16],
        name=_readable(job.path.name),
        content_hash=job.content_hash,
        source_rate=info.sample_rate,
        source_channels=info.n_channels,
        n_samples=n_samples,
        n_frames=n_frames(n_samples, definition.hop_length),
    )
    return entry, single_note(features, definition.frame_rate)


def _features(job: Job, audio: LongAudio) -> Features:
    if job.f0_file is None:
        return extract_features(audio, job.definition)
    pitch = given_pitch(read_f0(job.f0_file), audio.n_samples, job.definition)
    return features_at(pitch, audio, job.definition)


def single_note(features: Features, frame_rate: float) -> int | None:
    """MIDI number of the note where a recording is one single note, else None.

    Args:
        features: (1, n_frames, 1) each.
        frame_rate: frames per second.
    """
    is_pitched = features.periodicity >= VOICED_PERIODICITY
    if features.f0_hz.shape[1] > NOTE_SECONDS * frame_rate or not is_pitched.any():
        return None
    midi = hz_to_midi(features.f0_hz[is_pitched])
    middle = midi.median()
    inside = ((midi - middle).abs() <= NOTE_SPAN_SEMITONES).float().mean()
    return round(middle.item()) if inside >= NOTE_FRAMES else None


def _noted(blocks: Iterable[np.ndarray], peaks: list[float], sums: list[float]) -> Iterator[np.ndarray]:
    """Pass blocks on and add the largest magnitude of each to `peaks`, and the sum of its samples to `sums`."""
    for block in blocks:
        peaks.append(float(np.abs(block).max(initial=0.0)))
        sums.append(float(block.sum(dtype=np.float64)))
        yield block


def _check_usable(path: Path, peak: float, seconds: float) -> None:
    if seconds < SHORTEST_SECONDS:
        raise AudioFileError(f"{path}: only {seconds:.3f} s long. Use recordings of {SHORTEST_SECONDS} s or more.")
    peak_db = amplitude_to_db(peak)
    if peak_db < QUIETEST_PEAK_DB:
        refuse_cancelled(path)
        raise AudioFileError(f"{path}: silent (peak {peak_db:.0f} dB). Is this the right track?")


def _readable(name: str) -> str:
    """A file name as valid text: bytes that are none become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
