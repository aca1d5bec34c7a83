from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from luthier.data.recordings import collect_recordings
from luthier.errors import AudioFileError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found_names(*paths: Path) -> list[str]:
    return [path.name for path in collect_recordings(paths).recordings]


def test_numbers_count_as_numbers(tmp_path: Path) -> None:
    touch(tmp_path, "take 10.wav", "take 2.wav", "Take 1.wav", "other.WAV")
    assert found_names(tmp_path) == ["other.WAV", "Take 1.wav", "take 2.wav", "take 10.wav"]


def test_folders_are_searched_to_the_bottom_and_strays_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/c/deep.flac", "a/notes.txt", "a/b/cover.jpg", "top.mp3", ".hidden.wav", ".trash/x.wav")
    found = collect_recordings([tmp_path])
    assert sorted(path.name for path in found.recordings) == ["deep.flac", "top.mp3"]
    assert found.n_ignored == 2


def test_what_an_instrument_played_in_training_is_no_recording(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "my-run/config.toml", "my-run/tensorboard/x", "my-run/audio/epoch_0001/validation.wav")
    touch(tmp_path, "my-build/build.json", "my-build/report/x.wav", "config.toml")
    assert found_names(tmp_path) == ["a.wav"]


def test_odd_names_are_found(tmp_path: Path) -> None:
    names = ['it\'s "one".wav', "space d.wav", "🎻 ünï.wav", "-o.wav"]
    touch(tmp_path, *names)
    assert sorted(found_names(tmp_path)) == sorted(names)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    touch(tmp_path, "a/one.wav")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "broken.wav").symlink_to(tmp_path / "nowhere")
    assert sorted(found_names(tmp_path)) == ["broken.wav", "one.wav"]


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    assert len(found_names(tmp_path / "a.wav", tmp_path, tmp_path / "link.wav")) == 1


def test_a_file_that_is_named_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "recording")
    assert found_names(tmp_path / "recording") == ["recording"]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no files found"):
        collect_recordings([tmp_path])


def test_a_folder_without_recordings_says_what_is_in_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.txt", "c.jpg")
    with pytest.raises(AudioFileError, match=r"3 files \(2 x \.txt, 1 x \.jpg\)"):
        collect_recordings([tmp_path])


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"gone\.wav: no such file"):
        collect_recordings([tmp_path / "gone.wav"])


def test_a_link_to_itself_is_found_like_any_file(tmp_path: Path) -> None:
    touch(tmp_path, "one.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    assert sorted(found_names(tmp_path)) == ["loop.wav", "one.wav"]


def test_a_name_that_cannot_be_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no such file"):
        collect_recordings([tmp_path / ("a" * 300)])


def test_a_folder_that_may_not_be_entered_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "one.wav", "locked/two.wav")
    look = os.scandir

    def locked(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", locked)
    monkeypatch.setattr(logging.getLogger("luthier"), "propagate", True)
    assert found_names(tmp_path) == ["one.wav"]
    assert "locked: Permission denied" in caplog.text
