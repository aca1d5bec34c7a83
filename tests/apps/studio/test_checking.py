"""What is dropped on the page: one folder, names as the visitor knows them, what a build needs."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from luthier.analysis.checkup_findings import Light
from luthier.apps.studio.checking import check_dropped
from luthier.apps.studio.words import check_summary, link, note
from luthier.apps.studio.workshop import Workshop
from luthier.errors import AudioFileError


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "instruments", tmp_path / "scratch")


def dropped(tmp_path: Path, sound: Path, *names: str) -> list[str]:
    """The same sound dropped under several names, each file in a folder of its own."""
    paths = [tmp_path / f"upload {number}" / name for number, name in enumerate(names)]
    for path in paths:
        path.parent.mkdir()
        shutil.copy(sound, path)
    return [str(path) for path in paths]


@pytest.mark.slow  # two recordings are listened to by processes of their own
def test_equal_names_are_told_apart_and_copies_are_found(workshop, tmp_path, tone_file) -> None:
    heard: list[tuple[int, int]] = []
    paths = dropped(tmp_path, tone_file, "take.wav", "take.wav")
    found = check_dropped(workshop, paths, lambda n_done, n_all, _: heard.append((n_done, n_all)))
    assert [str(file.path) for file in found.report.files] == ["take (2).wav", "take.wav"]
    assert found.report.duplicates == [(Path("take.wav"), Path("take (2).wav"))]
    assert heard == [(1, 2), (2, 2)]


def test_a_build_is_given_the_files_their_hashes_and_the_page(workshop, tmp_path, tone_file) -> None:
    (path,) = dropped(tmp_path, tone_file, "take.wav")
    recordings = check_dropped(workshop, [path], lambda *_: None).recordings
    content = tone_file.read_bytes()
    assert (recordings.folder / "take.wav").read_bytes() == content
    assert recordings.content_hashes == [hashlib.sha256(content).hexdigest()]
    assert not recordings.is_usable  # two seconds are red
    assert workshop.place(recordings.token) == recordings.folder.parent
    assert "<h3>take.wav" in (recordings.check / "report.html").read_text()


def test_what_cannot_be_read_has_its_light_and_is_not_built_from(workshop, tmp_path, tone_file) -> None:
    (tmp_path / "zero.wav").touch()
    (tmp_path / "voice.m4a").write_bytes(b"of a telephone")
    (take,) = dropped(tmp_path, tone_file, "take without suffix")
    found = check_dropped(workshop, [take, str(tmp_path / "zero.wav"), str(tmp_path / "voice.m4a")], lambda *_: None)
    assert [entry.path.name for entry in found.report.unreadable] == ["voice.m4a", "zero.wav"]
    assert [path.name for path in found.recordings.folder.iterdir()] == ["take without suffix"]


def test_nobody_is_told_where_files_were_put(workshop, tmp_path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_text("this is no sound")
    with pytest.raises(AudioFileError, match=r"^none of 1 recordings can be read: broken\.wav: not a sound file"):
        check_dropped(workshop, [str(broken)], lambda *_: None)


def test_names_from_visitors_are_text(workshop, tmp_path, tone_file) -> None:
    (path,) = dropped(tmp_path, tone_file, "<b>take&.wav")
    summary = check_summary(check_dropped(workshop, [path], lambda *_: None).report)
    assert "<th>&lt;b&gt;take&amp;.wav</th>" in summary
    assert note("<i>\n two  lines", light=Light.RED) == '<p class="note red" role="alert">&lt;i&gt; two lines</p>'
    assert link("/report/my lute", "a&b") == '<a href="/report/my%20lute" target="_blank">a&amp;b</a>'
