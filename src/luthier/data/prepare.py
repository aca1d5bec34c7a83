"""Recordings to a dataset folder: in parallel, interruptible, with the same bytes for the same input.

recordings ─► one work folder per recording ─► manifest + arrays ─► renamed to the dataset
              (.NAME.partial, kept on interruption)
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import joblib

from luthier.atomic import atomic_folder, missing_folders, refuse_existing, refuse_loss, remove_empty
from luthier.data.array_files import array_path, map_array
from luthier.data.cluster import map_on_cluster
from luthier.data.dataset import ARRAYS
from luthier.data.f0_folder import NamedF0, curve_names, find_curves, refuse_existing_curves, save_curves
from luthier.data.manifest import MANIFEST_NAME, Manifest, split_entry, write_manifest
from luthier.data.prepare_recording import (
    ENTRY_NAME,
    Job,
    Prepared,
    Refused,
    definition_key,
    hash_file,
    prepare_recording,
)
from luthier.data.process import n_threads
from luthier.data.recordings import collect_recordings, natural_key
from luthier.data.split import Block, Split, Take, split_takes
from luthier.data.statistics import FrameArrays, Statistics, frame_step, measure_statistics
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import AudioFileError, ConfigError, DatasetError, OutputError, RangeError

logger = logging.getLogger(__name__)

ID_DIGITS = 16
"""Hexadecimal digits of the content hash in an id: 64 bits, no clash among millions of files."""
WORST_SHOWN = 3
"""Refused files named in the error when nothing is usable; the log has all of them."""

OnProgress = Callable[[int, int, Path], None]


class Duplicate(NamedTuple):
    """A file with the same content as another one: used once."""

    path: Path
    same_as: Path


class PrepareReport(NamedTuple):
    """What `prepare` did.

    Attributes:
        output: the dataset folder.
        n_recordings: recordings in it.
        seconds: their length in all.
        skipped: files that could not be used, with the reason in one line.
        duplicates: files left out because their content is there already.
        n_ignored: files in folders that are no sound files by their names.
        split: how the material is divided.
        statistics: of the training part.
        n_given_f0: recordings whose pitch comes from a file of the user's.
    """

    output: Path
    n_recordings: int
    seconds: float
    skipped: list[Refused]
    duplicates: list[Duplicate]
    n_ignored: int
    split: Split
    statistics: Statistics
    n_given_f0: int


def prepare(  # noqa: PLR0913 - as many as the command has options
    recordings: Sequence[str | Path],
    output: str | Path,
    definition: FeatureDefinition | None = None,
    *,
    n_jobs: int | None = None,
    cluster: str | None = None,
    force: bool = False,
    credit: str = "",
    licence: str = "",
    save_f0: Path | None = None,
    use_f0: Path | None = None,
    on_progress: OnProgress | None = None,
) -> PrepareReport:
    """Turn recordings into a dataset: audio at one rate, features, split and statistics.

    Files that cannot be used are skipped and reported. After an interruption the same call goes on
    where it stopped.

    Args:
        recordings: files and folders (searched with everything below them).
        output: dataset folder to make.
        definition: sample rate, hop and features; None takes the default definition.
        n_jobs: processes; None takes one per core, or what an enclosing `joblib.parallel_config` says.
        cluster: address of a Dask scheduler whose workers do it instead (extra `cluster`). They must see
            recordings and output under the same paths as this computer: a shared file system.
        force: replace an existing dataset.
        credit: whom to name when sharing results.
        licence: licence of the recordings.
        save_f0: new folder for the pitch of each recording as a CSV file.
        use_f0: folder of such files, corrected by hand: their pitch is used instead of the tracker's.
        on_progress: called after each recording with (number done, number in all, path).

    Raises:
        AudioFileError: there are no recordings, or none of them is usable.
        DatasetError: there is too little material for training, validation and test.
        OutputError: `output` exists and `force` is not set, holds recordings or is no dataset, or cannot be written.
        RangeError: the lowest pitch is not below the highest.
        MissingExtraError, ConfigError: the cluster cannot be used, or a pitch curve does not fit.
    """
    output = Path(output).absolute()
    definition = definition or FeatureDefinition()
    low_hz, high_hz = definition.f0_min_hz, definition.f0_max_hz
    if low_hz >= high_hz:
        raise RangeError(f"pitches from {low_hz:g} to {high_hz:g} Hz: expected the lowest below the highest.")
    refuse_existing(output, force=force)
    refuse_loss(output, MANIFEST_NAME, [Path(one) for one in (*recordings, use_f0) if one is not None])
    if save_f0 is not None:
        refuse_existing_curves(save_f0)
        curves_place = save_f0.absolute()
        if output in (curves_place, *curves_place.parents) or curves_place in output.parents:
            raise OutputError(f"{save_f0} and {output}: one lies in the other. Choose another place.")
    # Workers on other computers do not stand in our folder.
    places = recordings if cluster is None else [Path(one).absolute() for one in recordings]
    found = collect_recordings(places)
    refused: list[Refused] = []
    unique, duplicates = _deduplicate(_hashed(found.recordings, refused))
    names = {} if save_f0 is None and use_f0 is None else curve_names(places, unique.values())
    given = {} if use_f0 is None else find_curves(use_f0.absolute(), names)
    partial = output.with_name(f".{output.name}.partial")
    jobs = [_job(partial, path, digest, definition, given.get(path)) for digest, path in unique.items()]
    with _work_folder(partial):
        results = _run(jobs, lambda numbered: _results(numbered, n_jobs, cluster), on_progress)
        refused += [result for result in results if isinstance(result, Refused)]
        prepared = [result for result in results if isinstance(result, Prepared)]
        _log_refused(refused)
        manifest, split = _describe(prepared, refused, definition, (credit, licence))
        if save_f0 is not None:
            curves = (_named_f0(item, names[unique[item.entry.content_hash]]) for item in prepared)
            save_curves(save_f0, curves, definition)
        _assemble(output, manifest, prepared, force=force)
    seconds = sum(recording.n_samples for recording in manifest.recordings) / definition.sample_rate
    return PrepareReport(
        output, len(prepared), seconds, refused, duplicates, found.n_ignored, split, manifest.statistics, len(given)
    )


@contextmanager
def _work_folder(partial: Path) -> Iterator[None]:
    """Keep finished recordings only where the same call could go on with them: after an interruption or a full disk."""
    missing = missing_folders(partial)
    try:
        partial.mkdir(parents=True, exist_ok=True)  # not by a worker, who would remove it while another begins
        yield
    except (AudioFileError, DatasetError):
        shutil.rmtree(partial, ignore_errors=True)
        raise
    except OSError as error:
        raise OutputError(
            f"{partial.parent}: cannot be written ({error.strerror or error}). "
            f"Check the folder's rights and the free space.{_kept(partial)}"
        ) from error
    except (OutputError, ConfigError) as error:
        raise type(error)(f"{error}{_kept(partial)}") from error
    else:
        shutil.rmtree(partial, ignore_errors=True)
    finally:
        remove_empty(missing)


def _kept(partial: Path) -> str:
    """Remove a work folder that holds nothing finished; otherwise the sentence that says that it is kept."""
    n_finished = len(list(partial.glob(f"*/{ENTRY_NAME}")))
    if n_finished == 0:
        shutil.rmtree(partial, ignore_errors=True)
        return ""
    return f" {n_finished} finished recordings are kept in {partial.name}: the same command goes on from there."


def _hashed(paths: Sequence[Path], refused: list[Refused]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        try:
            yield hash_file(path), path
        except AudioFileError as error:
            refused.append(Refused(path, str(error)))


def _deduplicate(hashed: Iterator[tuple[str, Path]]) -> tuple[dict[str, Path], list[Duplicate]]:
    """The first file of each content in natural order, and the others."""
    unique: dict[str, Path] = {}
    duplicates: list[Duplicate] = []
    for digest, path in hashed:
        if digest in unique:
            logger.warning("%s: same content as %s, used once.", path, unique[digest])
            duplicates.append(Duplicate(path, unique[digest]))
        else:
            unique[digest] = path
    return unique, duplicates


def _job(partial: Path, path: Path, digest: str, definition: FeatureDefinition, f0_file: Path | None) -> Job:
    name = f"{digest[:ID_DIGITS]}-{definition_key(definition)}"
    if f0_file is not None:  # finished with another curve is not finished
        name += f"-{hash_file(f0_file)[:ID_DIGITS]}"
    return Job(path, digest, partial / name, definition, f0_file)


Result = tuple[int, Prepared | Refused]


def _run(
    jobs: Sequence[Job],
    results: Callable[[Sequence[tuple[int, Job]]], Iterator[Result]],
    on_progress: OnProgress | None,
) -> list[Prepared | Refused]:
    """Do all jobs, the largest files first so that no core waits long at the end; results in the order of `jobs`."""
    order = sorted(range(len(jobs)), key=lambda index: -jobs[index].path.stat().st_size)
    done: dict[int, Prepared | Refused] = {}
    for index, result in results([(index, jobs[index]) for index in order]):
        done[index] = result
        if on_progress is not None:
            on_progress(len(done), len(jobs), jobs[index].path)
    return [done[index] for index in range(len(jobs))]


def _results(jobs: Sequence[tuple[int, Job]], n_jobs: int | None, cluster: str | None) -> Iterator[Result]:
    """Numbered results as they come; without a cluster, one job alone runs in this process, with all its threads."""
    if cluster is not None:
        yield from map_on_cluster(_work_alone, jobs, cluster)
        return
    if len(jobs) <= 1 or n_jobs == 1:
        for index, job in jobs:
            yield index, prepare_recording(job)
        return
    if n_jobs is None and joblib.parallel.get_active_backend()[1] in (None, 1):
        n_jobs = joblib.cpu_count()
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    yield from parallel(joblib.delayed(_work_alone)(numbered) for numbered in jobs)


def _work_alone(numbered: tuple[int, Job]) -> Result:
    """One job in a worker process: the other cores have jobs of their own."""
    with n_threads(1):
        return numbered[0], prepare_recording(numbered[1])


def _log_refused(refused: Sequence[Refused]) -> None:
    for path, reason in refused:
        logger.warning("skipped %s: %s", path, reason)


def _nothing_usable(refused: Sequence[Refused]) -> str:
    reasons = " | ".join(item.reason for item in refused[:WORST_SHOWN])
    more = f" | and {len(refused) - WORST_SHOWN} more" if len(refused) > WORST_SHOWN else ""
    return f"none of {len(refused)} recordings can be used: {reasons}{more}"


def _describe(
    prepared: Sequence[Prepared],
    refused: Sequence[Refused],
    definition: FeatureDefinition,
    credit_and_licence: tuple[str, str],
) -> tuple[Manifest, Split]:
    """Split, statistics and list of recordings; depends on the content and the names only."""
    if not prepared:
        raise AudioFileError(_nothing_usable(refused))
    ordered = sorted(prepared, key=lambda item: (natural_key(Path(item.entry.name)), item.entry.id))
    takes = [Take(item.entry.id, item.entry.n_frames, item.note) for item in ordered]
    split = split_takes(takes, definition.frame_rate)
    by_id = {item.entry.id: item for item in ordered}
    training = (_frame_arrays(by_id[block.recording], block) for block in split.train)
    manifest = Manifest(
        definition=definition,
        recordings=tuple(item.entry for item in ordered),
        split=split_entry(split),
        statistics=measure_statistics(training, definition.frame_rate, every=frame_step(split.train)),
        credit=credit_and_licence[0],
        licence=credit_and_licence[1],
    )
    if manifest.statistics.pitched_seconds == 0.0:
        raise DatasetError(
            f"no pitch from {definition.f0_min_hz:g} to {definition.f0_max_hz:g} Hz in {len(prepared)} recordings: are they "
            "of a pitched instrument? Other notes: --f0-min-hz, --f0-max-hz."
        )
    return manifest, split


def _frame_arrays(item: Prepared, block: Block) -> FrameArrays:
    frames = slice(block.start_frame, block.start_frame + block.n_frames)
    return FrameArrays(
        *(map_array(item.folder / f"{name}.npy", item.entry.n_frames)[frames].numpy() for name in FrameArrays._fields)
    )


def _named_f0(item: Prepared, name: Path) -> NamedF0:
    arrays = (map_array(item.folder / f"{array}.npy", item.entry.n_frames) for array in ("f0_hz", "periodicity"))
    return NamedF0(name, *arrays)


def _assemble(output: Path, manifest: Manifest, prepared: Sequence[Prepared], *, force: bool) -> None:
    with atomic_folder(output, force=force) as folder:
        for item in prepared:
            for name in ARRAYS:
                _link_or_copy(item.folder / f"{name}.npy", array_path(folder, item.entry.id, name))
        write_manifest(folder, manifest)


def _link_or_copy(source: Path, target: Path) -> None:
    """Second name for a finished file, so that an interruption loses nothing; a copy where links are not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
