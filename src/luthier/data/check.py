"""Are these recordings fit to train on? Reads them, and brings together what `analysis` finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import joblib
import torch

from luthier.analysis.checkup import Checkup, measure
from luthier.analysis.checkup_duplicates import is_same_take
from luthier.analysis.checkup_findings import Finding, Light, judge, worst
from luthier.analysis.checkup_material import F0_RANGE_HZ, Array, Material, listen
from luthier.analysis.checkup_set import judge_set
from luthier.data.audio_files import audio_info
from luthier.data.channels import cancelled_db
from luthier.data.prepare_recording import hash_file
from luthier.data.process import n_threads
from luthier.data.recordings import collect_recordings
from luthier.data.stored_audio import decoded_audio
from luthier.errors import AudioFileError, LuthierError, RangeError
from luthier.features.long_audio import LongAudio

OnProgress = Callable[[int, int, Path], None]


class Curves(NamedTuple):
    """Pitch and loudness over time, (n_frames,) each; see `Material`."""

    hop_length: int
    f0_hz: Array
    periodicity: Array
    loudness_db: Array


class CheckedFile(NamedTuple):
    """One recording and what was found.

    Attributes:
        path: the file.
        n_samples: decoded samples.
        content_hash: SHA-256 of the file.
        checkup: what was measured.
        curves: pitch and loudness.
        findings: a light and a sentence for each aspect.
    """

    path: Path
    n_samples: int
    content_hash: str
    checkup: Checkup
    curves: Curves
    findings: list[Finding]


class Unreadable(NamedTuple):
    """A file that cannot be read, with the reason in one line."""

    path: Path
    reason: str


class CheckReport(NamedTuple):
    """What `check` found.

    Attributes:
        files: recordings that can be read, in natural order.
        unreadable: those that cannot.
        duplicates: the copy and its original.
        findings: aspects of the whole.
        verdict: the worst light of the whole and of all files.
    """

    files: list[CheckedFile]
    unreadable: list[Unreadable]
    duplicates: list[tuple[Path, Path]]
    findings: list[Finding]
    verdict: Light


def check(
    recordings: Sequence[str | Path],
    *,
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ,
    n_jobs: int | None = None,
    on_progress: OnProgress | None = None,
) -> CheckReport:
    """Listen to recordings and say what they are good for.

    Args:
        recordings: files and folders (searched with everything below them).
        f0_range_hz: lowest and highest pitch of the instrument.
        n_jobs: processes; None takes one per core.
        on_progress: called after each recording with (number done, number in all, path).

    Raises:
        AudioFileError: there are no recordings, or none of them can be read.
        RangeError: the lowest pitch is not below the highest.
    """
    low_hz, high_hz = f0_range_hz
    if not 0 < low_hz < high_hz:
        raise RangeError(f"pitches from {low_hz:g} to {high_hz:g} Hz: expected 0 < lowest < highest.")
    paths = collect_recordings(recordings).recordings
    done: dict[Path, CheckedFile | Unreadable] = {}
    for result in _results(paths, f0_range_hz, n_jobs):
        done[result.path] = result
        if on_progress is not None:
            on_progress(len(done), len(paths), result.path)
    files = [result for path in paths if isinstance(result := done[path], CheckedFile)]
    unreadable = [result for path in paths if isinstance(result := done[path], Unreadable)]
    if not files:
        raise AudioFileError(f"none of {len(paths)} recordings can be read: {unreadable[0].reason}")
    return _report(files, unreadable)


def _report(files: list[CheckedFile], unreadable: list[Unreadable]) -> CheckReport:
    duplicates = _duplicates(files)
    copies = {copy for copy, _ in duplicates}
    unique = [file for file in files if file.path not in copies]
    findings = judge_set(
        [file.path.name for file in unique],
        [file.checkup for file in unique],
        [(copy.name, original.name) for copy, original in duplicates],
    )
    lights = [worst(findings), *(worst(file.findings) for file in files)]
    return CheckReport(files, unreadable, duplicates, findings, max(lights))


def _results(
    paths: Sequence[Path], f0_range_hz: tuple[float, float], n_jobs: int | None
) -> Iterator[CheckedFile | Unreadable]:
    """Results as they come; one recording, or one job, stays in this process."""
    if len(paths) <= 1 or n_jobs == 1:
        yield from (check_file(path, f0_range_hz) for path in paths)
        return
    parallel = joblib.Parallel(n_jobs=n_jobs or joblib.cpu_count(), return_as="generator_unordered")
    yield from parallel(joblib.delayed(_check_alone)(path, f0_range_hz) for path in paths)


def _check_alone(path: Path, f0_range_hz: tuple[float, float]) -> CheckedFile | Unreadable:
    """One recording in a worker process: the other cores have recordings of their own."""
    with n_threads(1):
        return check_file(path, f0_range_hz)


def check_file(path: Path, f0_range_hz: tuple[float, float] = F0_RANGE_HZ) -> CheckedFile | Unreadable:
    """Listen to one recording, or say why that is not possible."""
    try:
        content_hash, sample_rate = hash_file(path), audio_info(path).sample_rate
        with decoded_audio(path, sample_rate) as audio:
            material = listen(audio, sample_rate, f0_range_hz)
            checkup = measure(material, cancelled_db(path))
    except LuthierError as error:
        return Unreadable(path, str(error))
    curves = Curves(material.hop_length, material.f0_hz, material.periodicity, material.loudness_db)
    return CheckedFile(path, audio.n_samples, content_hash, checkup, curves, judge(checkup))


def _duplicates(files: Sequence[CheckedFile]) -> list[tuple[Path, Path]]:
    """Copies and their originals: the same bytes, or the same sound."""
    found: dict[Path, Path] = {}
    for original, copy in combinations(files, 2):
        if copy.path in found or original.path in found:
            continue
        if original.content_hash == copy.content_hash or is_same_take(_material(original), _material(copy)):
            found[copy.path] = original.path
    return list(found.items())


def _material(file: CheckedFile) -> Material:
    """The recording again; its sound is decoded once more only where it is asked for."""

    def read(start: int, stop: int) -> torch.Tensor:
        with decoded_audio(file.path, file.checkup.sample_rate) as audio:
            return audio.read(start, stop)

    return Material(LongAudio(read, file.n_samples), file.checkup.sample_rate, *file.curves)
