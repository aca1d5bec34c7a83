"""Datasets of older formats, brought to today's where they lie: prepared material must not be lost.

    format 1     audio, f0_hz, periodicity, loudness_db      nothing was known of expression yet
    format 2     the same and the five curves of `Expression`, with their statistics

What is missing is measured beside the dataset's own files, then moved among them, and the manifest is replaced last.
Who is killed leaves a dataset of the old format, and the next one to open it starts again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from luthier.atomic import atomic_folder
from luthier.data.array_files import array_path, check_array, map_array, write_array
from luthier.data.manifest import (
    FORMAT_VERSION,
    Manifest,
    Recording,
    check_content,
    damaged,
    read_content,
    write_manifest,
)
from luthier.data.split import Block
from luthier.data.statistics import QUANTILES, FrameArrays, Spread, frame_step, measure_statistics
from luthier.data.stored_audio import stored_audio
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Expression
from luthier.errors import DatasetError, OutputError, RangeError
from luthier.features.expression import measure_expression

logger = logging.getLogger(__name__)

STAGING = ".measured"
"""Folder in a dataset where new arrays wait until there are all of them."""
FRAME_ARRAYS_OF_1 = ("f0_hz", "periodicity", "loudness_db")
UNKNOWN = Spread(mean=0.0, std=0.0, minimum=0.0, maximum=0.0, quantiles=(0.0,) * len(QUANTILES))


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a dataset folder, after bringing the folder to today's format if it is older.

    Raises:
        DatasetError: it is missing, damaged, too large, of an unknown version, or contradicts itself; or the folder is
            of an older format and cannot be written to.
    """
    content = read_content(folder)
    version = content["format_version"]
    if version == FORMAT_VERSION:
        return check_content(folder, content)
    try:
        return _from_1(folder, content)
    except OutputError as error:
        raise DatasetError(
            f"{folder}: dataset format {version}, to be brought to {FORMAT_VERSION}, but: {error} "
            "Or copy the folder to another place."
        ) from error


def _from_1(folder: Path, content: dict[str, Any]) -> Manifest:
    """Measure the expression, as the tones that are stored are played at the pitch that is stored."""
    manifest = check_content(folder, _content_of_2(content))
    for recording in manifest.recordings:
        _check_arrays_of_1(folder, recording)
    logger.warning("%s: made before expression was measured (format 1): measuring it now, once and for all.", folder)
    with atomic_folder(folder / STAGING, force=True) as temporary:
        for recording in manifest.recordings:
            _write_expression(folder, recording, manifest.definition, temporary)
    _move_all(folder / STAGING, folder)
    try:
        statistics = manifest.statistics.model_copy(update={"expression": _spreads(folder, manifest)})
    except ValueError as error:  # of pydantic: periodicity or loudness is not finite
        raise damaged(folder, error) from error
    manifest = manifest.model_copy(update={"statistics": statistics})
    write_manifest(folder, manifest)
    return manifest


def _content_of_2(content: dict[str, Any]) -> dict[str, Any]:
    """A manifest of format 1 as one of format 2 about whose expression nothing is known."""
    statistics = content.get("statistics")
    if isinstance(statistics, dict):
        statistics = statistics | {"expression": dict.fromkeys(Expression._fields, UNKNOWN.model_dump())}
    return content | {"format_version": 2, "statistics": statistics}


def _check_arrays_of_1(folder: Path, recording: Recording) -> None:
    check_array(array_path(folder, recording.id, "audio"), recording.n_samples)
    for name in FRAME_ARRAYS_OF_1:
        check_array(array_path(folder, recording.id, name), recording.n_frames)


def _write_expression(folder: Path, recording: Recording, definition: FeatureDefinition, target: Path) -> None:
    audio_path, f0_path = (array_path(folder, recording.id, name) for name in ("audio", "f0_hz"))
    f0_hz = map_array(f0_path, recording.n_frames).reshape(1, -1, 1)
    if not (f0_hz.isfinite() & (f0_hz > 0)).all():
        raise damaged(f0_path, ValueError("a frequency is not finite and positive"))
    audio = stored_audio(audio_path, recording.n_samples)
    try:
        expression = measure_expression(
            audio, f0_hz, sample_rate=definition.sample_rate, hop_length=definition.hop_length
        )
    except RangeError as error:
        raise damaged(audio_path, error) from error
    for name, values in expression._asdict().items():
        if not torch.isfinite(values).all():
            raise damaged(audio_path, ValueError(f"its {name} is not finite"))
        write_array(array_path(target, recording.id, name), [values.flatten().numpy()])


def _move_all(staging: Path, folder: Path) -> None:
    """Move all files from one folder into the other, where an unfinished run may have left the same ones."""
    try:
        for path in sorted(staging.iterdir()):
            with suppress(FileNotFoundError):  # another process that opens the same dataset has moved it
                path.replace(folder / path.name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}). Check the folder's rights.") from error
    shutil.rmtree(staging, ignore_errors=True)


def _spreads(folder: Path, manifest: Manifest) -> dict[str, Spread]:
    """Of expression in the training part; the other statistics stay as they were measured."""
    blocks, frame_rate = manifest.split.train, manifest.definition.frame_rate
    return measure_statistics(_frame_arrays(folder, manifest, blocks), frame_rate, every=frame_step(blocks)).expression


def _frame_arrays(folder: Path, manifest: Manifest, blocks: tuple[Block, ...]) -> Iterator[FrameArrays]:
    lengths = {recording.id: recording.n_frames for recording in manifest.recordings}
    for recording, start_frame, n_frames in blocks:
        frames = slice(start_frame, start_frame + n_frames)
        paths = (array_path(folder, recording, name) for name in FrameArrays._fields)
        yield FrameArrays(*(map_array(path, lengths[recording])[frames].numpy() for path in paths))
