from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.known_material import tone, write_tone
from luthier.data import prepare_recording
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import AudioFileError, DatasetError, OutputError, RangeError

SWIFT = FeatureDefinition(tracker="swift")
"""The fastest tracker: these tests are not about pitch."""


def melody(seconds: float, sample_rate: int = 16000) -> np.ndarray:
    return np.concatenate([tone(1.0, sample_rate, 220.0 * 2 ** (i * 5 % 12 / 12)) for i in range(round(seconds))])


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Three usable recordings of different kinds in a folder."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    soundfile.write(folder / "take 10.flac", melody(7), 16000)
    soundfile.write(folder / "take 2 🎻.wav", np.stack([melody(6, 44100)] * 2, axis=1), 44100)
    soundfile.write(folder / 'it\'s "3".wav', melody(5, 48000), 48000, subtype="FLOAT")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_recordings_become_a_dataset(recordings: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = prepare(
        [recordings], tmp_path / "out", SWIFT, n_jobs=1, credit="me", licence="CC0",
        on_progress=lambda done, total, path: seen.append((done, total)),
    )  # fmt: skip
    dataset = Dataset.open(tmp_path / "out")
    assert [recording.name for recording in dataset.recordings] == ['it\'s "3".wav', "take 2 🎻.wav", "take 10.flac"]
    assert (dataset.credit, dataset.licence) == ("me", "CC0")
    assert report.seconds == pytest.approx(18.0)
    assert (report.n_recordings, report.skipped, report.duplicates) == (3, [], [])
    assert report.split.train == tuple(dataset.blocks("train"))
    assert report.statistics == dataset.statistics
    assert 220 <= 2**dataset.statistics.f0_octaves.mean <= 440
    assert dataset.statistics.pitched_seconds > 0.9 * dataset.statistics.total_seconds
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert left_in(tmp_path) == ["out", "recordings"]


def test_statistics_come_from_the_training_part_only(tmp_path: Path) -> None:
    """The fifth of ten blocks, a test block, is an octave above all others."""
    samples = np.concatenate([tone(3.0, 16000, 880.0 if i == 4 else 440.0) for i in range(10)])
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    report = prepare([tmp_path / "a.wav"], tmp_path / "out", SWIFT, n_jobs=1)
    assert report.split.test[0].start_frame in range(1200, 1300)
    # Not the maximum: at the cut, the last training frames hear the other note begin.
    assert report.statistics.f0_octaves.quantiles[98] == pytest.approx(np.log2(440), abs=0.01)


def test_same_input_gives_the_same_bytes_in_any_order_and_number_of_processes(recordings: Path, tmp_path: Path) -> None:
    files = sorted(recordings.iterdir())
    prepare(files, tmp_path / "one", SWIFT, n_jobs=1)
    prepare(files[::-1], tmp_path / "two", SWIFT, n_jobs=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_folders_do_not_matter(recordings: Path, tmp_path: Path) -> None:
    prepare([recordings], tmp_path / "one", SWIFT, n_jobs=1)
    for number, path in enumerate(sorted(recordings.iterdir(), reverse=True)):
        (recordings / str(number)).mkdir()
        path.rename(recordings / str(number) / path.name)
    prepare([recordings], tmp_path / "two", SWIFT, n_jobs=1)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_bad_files_are_skipped_and_named(recordings: Path, tmp_path: Path) -> None:
    (recordings / "text.wav").write_text("no sound")
    (recordings / "empty.wav").touch()
    (recordings / "cut.flac").write_bytes((recordings / "take 10.flac").read_bytes()[:20000])
    (recordings / "video.m4a").write_bytes(b"not really")
    soundfile.write(recordings / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    soundfile.write(recordings / "silent.wav", np.zeros(16000), 16000)
    shutil.copy(recordings / "take 10.flac", recordings / "copy.flac")
    (recordings / "notes.txt").write_text("stray")
    report = prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1)
    assert report.n_recordings == 3
    assert sorted(path.name for path, _ in report.skipped) == [
        "cut.flac", "empty.wav", "nan.wav", "silent.wav", "text.wav", "video.m4a",
    ]  # fmt: skip
    assert all(path.name in reason and "\n" not in reason for path, reason in report.skipped)
    assert [(item.path.name, item.same_as.name) for item in report.duplicates] == [("take 10.flac", "copy.flac")]
    assert report.n_ignored == 1


def test_only_bad_files_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioFileError, match=r"none of 2 recordings can be used: .*0 bytes"):
        prepare([tmp_path], tmp_path / "out", SWIFT, n_jobs=1)
    assert left_in(tmp_path) == ["empty.wav", "text.wav"]


def test_too_little_material_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", seconds=2.0)
    with pytest.raises(DatasetError, match="at least 6 s"):
        prepare([tmp_path / "a.wav"], tmp_path / "new" / "out", SWIFT, n_jobs=1)
    assert left_in(tmp_path) == ["a.wav"]


def test_force_replaces_datasets_and_nothing_else(recordings: Path, tmp_path: Path) -> None:
    before = content(recordings)
    for output, lost in ((recordings, "holds"), (tmp_path, "holds"), (recordings / "..", "holds")):
        with pytest.raises(OutputError, match=f"{lost}.*would be lost"):
            prepare([recordings], output, SWIFT, n_jobs=1, force=True)
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "score.pdf").write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"holds 'score.pdf', which would be lost"):
        prepare([recordings], tmp_path / "music", SWIFT, n_jobs=1, force=True)
    with pytest.raises(OutputError, match="one lies in the other"):
        prepare([recordings], tmp_path / "dataset", SWIFT, n_jobs=1, save_f0=tmp_path / "dataset" / "curves")
    assert content(recordings) == before
    assert left_in(tmp_path) == ["music", "recordings"]


def test_material_without_pitch_is_no_dataset(tmp_path: Path) -> None:
    write_tone(tmp_path / "low.wav", 12.0)
    definition = FeatureDefinition(tracker="swift", f0_min_hz=1500.0)
    with pytest.raises(DatasetError, match="no pitch from 1500 to 2000 Hz in 1 recordings"):
        prepare([tmp_path / "low.wav"], tmp_path / "dataset", definition, n_jobs=1)
    with pytest.raises(RangeError, match="expected the lowest below the highest"):
        prepare([tmp_path / "low.wav"], tmp_path / "dataset", FeatureDefinition(f0_min_hz=500.0, f0_max_hz=100.0))
    assert left_in(tmp_path) == ["low.wav"]


def test_an_existing_dataset_is_kept_without_force(recordings: Path, tmp_path: Path) -> None:
    prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1)
    before = content(tmp_path / "out")
    definition = FeatureDefinition(sample_rate=24000, hop_length=96, tracker="swift")
    with pytest.raises(OutputError, match="--force"):
        prepare([recordings], tmp_path / "out", definition, n_jobs=1)
    assert content(tmp_path / "out") == before
    prepare([recordings], tmp_path / "out", definition, n_jobs=1, force=True)
    assert Dataset.open(tmp_path / "out").definition == definition
    assert left_in(tmp_path) == ["out", "recordings"]


def test_an_interrupted_run_goes_on_where_it_stopped(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare([recordings], tmp_path / "whole", SWIFT, n_jobs=1)

    def stop_after_two(done: int, total: int, path: Path) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1, on_progress=stop_after_two)
    assert left_in(tmp_path) == [".out.partial", "recordings", "whole"]
    extracted: list[object] = []
    extract = prepare_recording.extract_features
    monkeypatch.setattr(
        prepare_recording, "extract_features", lambda *arguments: extracted.append(1) or extract(*arguments)
    )
    prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1)
    assert len(extracted) == 1
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert left_in(tmp_path) == ["out", "recordings", "whole"]


def fill_disk_after(n_arrays: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write = prepare_recording.write_array
    written: list[Path] = []

    def write_until_full(path: Path, pieces: object) -> int:
        written.append(path)
        if len(written) > n_arrays:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, pieces)  # type: ignore[arg-type]

    monkeypatch.setattr(prepare_recording, "write_array", write_until_full)


def test_a_full_disk_is_reported_and_finished_recordings_are_kept(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk_after(12, monkeypatch)
    with pytest.raises(OutputError, match=r"No space left .* 1 finished recordings are kept"):
        prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1)
    assert left_in(tmp_path) == [".out.partial", "recordings"]
    assert len(left_in(tmp_path / ".out.partial")) == 1


def test_a_full_disk_before_anything_is_finished_leaves_nothing(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk_after(2, monkeypatch)
    with pytest.raises(OutputError, match="No space left"):
        prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1)
    assert left_in(tmp_path) == ["recordings"]


def test_an_output_below_a_file_cannot_be_written(recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        prepare([recordings], tmp_path / "file" / "out", SWIFT, n_jobs=1)


def test_inputs_are_not_touched(recordings: Path, tmp_path: Path) -> None:
    before = content(recordings)
    prepare([recordings], tmp_path / "out", SWIFT, n_jobs=1)
    assert content(recordings) == before


@pytest.mark.slow
def test_real_violin_and_saxophone(shared_audio: Path, tmp_path: Path) -> None:
    violin = sorted(shared_audio.glob("violin_garner/*mov[68].flac"))
    report = prepare(violin, tmp_path / "violin")
    assert (report.n_recordings, report.split.method, report.skipped) == (2, "blocks", [])
    assert report.statistics.pitched_seconds > 0.85 * report.statistics.total_seconds
    report = prepare([shared_audio / "alto_sax_weresax"], tmp_path / "sax")
    assert (report.n_recordings, report.split.method) == (128, "takes")
    assert report.statistics.pitched_seconds > 0.95 * report.statistics.total_seconds
