from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from luthier import atomic
from luthier.atomic import atomic_file, atomic_folder, is_unfinished, refuse_existing, refuse_unwritable
from luthier.errors import OutputError


class HalfWayError(Exception):
    """Something goes wrong half way."""


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def test_a_place_that_takes_no_files_is_found_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    refuse_unwritable(tmp_path / "new" / "folder" / "a.wav")
    for path in (tmp_path / "file" / "a.wav", tmp_path / "file" / "new" / "a.wav"):
        with pytest.raises(OutputError, match=r"a\.wav: cannot be written"):
            refuse_unwritable(path)
    assert names(tmp_path) == ["file"]


class TestFile:
    def test_appears_whole_with_the_folders_it_needs(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "folder" / "a.wav"
        with atomic_file(path) as temporary:
            assert temporary.suffix == ".wav"
            assert temporary.parent == path.parent
            temporary.write_bytes(b"sound")
            assert not path.exists()
        assert path.read_bytes() == b"sound"
        assert names(path.parent) == ["a.wav"]

    def test_is_readable_like_any_new_file(self, tmp_path: Path) -> None:
        with atomic_file(tmp_path / "a") as temporary:
            temporary.write_bytes(b"x")
        (tmp_path / "b").write_bytes(b"x")
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)

    def test_an_existing_file_stays_without_force(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        path.write_bytes(b"old")
        with pytest.raises(OutputError, match=r"a\.wav: exists already.*--force"), atomic_file(path) as temporary:
            temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        with atomic_file(path, force=True) as temporary:
            temporary.write_bytes(b"new")
        assert path.read_bytes() == b"new"

    def test_a_link_to_nowhere_counts_as_existing(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        with pytest.raises(OutputError, match="exists already"):
            refuse_existing(tmp_path / "link", force=False)

    @pytest.mark.parametrize("crash", [HalfWayError, KeyboardInterrupt])
    def test_a_crash_leaves_the_old_file_and_nothing_else(self, tmp_path: Path, crash: type[BaseException]) -> None:
        path = tmp_path / "a.wav"
        path.write_bytes(b"old")
        with pytest.raises(crash), atomic_file(path, force=True) as temporary:  # noqa: PT012 - the crash is the point
            temporary.write_bytes(b"half")
            raise crash
        assert path.read_bytes() == b"old"
        assert names(tmp_path) == ["a.wav"]

    def test_a_crash_leaves_no_folder_that_was_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "there").mkdir()
        for write in (atomic_file, atomic_folder):
            with pytest.raises(HalfWayError), write(tmp_path / "there" / "new" / "deep" / "a"):
                raise HalfWayError
        assert [path.name for path in tmp_path.rglob("*")] == ["there"]

    def test_a_full_disk_is_one_line(self, tmp_path: Path) -> None:
        with (
            pytest.raises(OutputError, match=r"a\.wav: cannot be written \(No space left on device\)"),
            atomic_file(tmp_path / "a.wav"),
        ):
            raise OSError(28, os.strerror(28))
        assert names(tmp_path) == []


class TestFolder:
    def test_appears_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "dataset"
        with atomic_folder(path) as temporary:
            (temporary / "a").write_bytes(b"1")
            assert not path.exists()
        assert names(path) == ["a"]
        assert names(path.parent) == ["dataset"]

    def test_replaces_the_old_one_only_with_force(self, tmp_path: Path) -> None:
        path = tmp_path / "dataset"
        path.mkdir()
        (path / "old").write_bytes(b"1")
        with pytest.raises(OutputError, match="exists already"), atomic_folder(path):
            pass
        assert names(path) == ["old"]
        with atomic_folder(path, force=True) as temporary:
            (temporary / "new").write_bytes(b"2")
        assert names(path) == ["new"]
        assert names(tmp_path) == ["dataset"]

    def test_replaces_a_file_with_force(self, tmp_path: Path) -> None:
        (tmp_path / "dataset").write_bytes(b"1")
        with atomic_folder(tmp_path / "dataset", force=True):
            pass
        assert (tmp_path / "dataset").is_dir()

    def test_a_crash_leaves_the_old_folder_and_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "dataset"
        path.mkdir()
        (path / "old").write_bytes(b"1")
        with pytest.raises(HalfWayError), atomic_folder(path, force=True) as temporary:  # noqa: PT012 - the crash is the point
            (temporary / "new").write_bytes(b"2")
            raise HalfWayError
        assert names(path) == ["old"]
        assert names(tmp_path) == ["dataset"]

    def test_a_renaming_that_fails_brings_the_old_folder_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "dataset"
        path.mkdir()
        (path / "old").write_bytes(b"1")
        rename = Path.replace

        def fail_for_the_new(source: Path, target: Path) -> Path:
            if target == path and (source / "new").exists():
                raise PermissionError(13, "Permission denied")
            return rename(source, target)

        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)  # as where the system cannot swap names
        monkeypatch.setattr(Path, "replace", fail_for_the_new)
        with (
            pytest.raises(OutputError, match="Permission denied"),
            atomic_folder(path, force=True) as temporary,
        ):
            (temporary / "new").write_bytes(b"2")
        assert names(path) == ["old"]
        assert names(tmp_path) == ["dataset"]


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
class TestPlacesThatCannotBeWrittenTo:
    def refused(self, write: object, path: Path, says: str) -> None:
        with pytest.raises(OutputError, match=says) as caught, write(path):
            pytest.fail("the work began")
        assert "\n" not in str(caught.value)

    def test_a_file_where_a_folder_should_be(self, write: object, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        self.refused(write, tmp_path / "file" / "a.wav", "cannot be written")

    def test_a_name_that_cannot_be(self, write: object, tmp_path: Path) -> None:
        self.refused(write, tmp_path / ("a" * 300), "cannot be written .File name too long")

    def test_a_folder_without_rights(self, write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if is_root():  # rights do not stop root: what the system would say is said for it

            def denied(*_: object) -> None:
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr(atomic, "_new_name", denied)
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
        self.refused(write, folder / "a.wav", "Permission denied")


KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from luthier.atomic import {name}
with {name}(sys.argv[1], force=True) as temporary:
    (temporary / "half" if temporary.is_dir() else temporary).write_bytes(b"half")
    print(temporary, flush=True)
    {then}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="whether a writer still lives cannot be told there")
@pytest.mark.parametrize("name", ["atomic_file", "atomic_folder"])
class TestWhoIsKilled:
    def test_leaves_the_old_result_and_a_name_that_the_next_one_removes(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        path.write_bytes(b"old")
        code = KILLED_HALF_WAY.format(name=name, then="os.kill(os.getpid(), signal.SIGKILL)")
        killed = subprocess.run([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert path.read_bytes() == b"old"
        left = Path(killed.stdout.decode().strip())
        assert left.exists()
        assert is_unfinished(left)
        with atomic_file(path, force=True) if name == "atomic_file" else atomic_folder(path, force=True):
            assert not left.exists()
        assert names(tmp_path) == ["a.wav"]

    def test_who_still_writes_is_left_alone(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        code = KILLED_HALF_WAY.format(name=name, then="sys.stdin.read()")
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writing = Path(writer.stdout.readline().decode().strip())
            with atomic_file(path) if name == "atomic_file" else atomic_folder(path):
                assert writing.exists()
            writer.communicate(b"")
        assert writer.returncode == 0
        assert names(tmp_path) == ["a.wav"]


def test_only_our_temporary_names_count_as_unfinished() -> None:
    assert is_unfinished(Path(".violin.unfinished-x3k9_abc.wav"))
    assert not any(is_unfinished(Path(name)) for name in ("violin.wav", ".violin.wav", "a.unfinished-x3k9abcd.wav"))


@pytest.mark.skipif(sys.platform != "linux", reason="two names are swapped in one step on Linux only")
def test_a_folder_is_never_absent_while_it_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dataset").mkdir()
    monkeypatch.setattr(Path, "replace", lambda *_: pytest.fail("renamed in two steps"))
    with atomic_folder(tmp_path / "dataset", force=True) as temporary:
        (temporary / "new").write_bytes(b"2")
    assert names(tmp_path / "dataset") == ["new"]


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
def test_what_is_written_is_synced_before_it_is_renamed(
    write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("sync"), sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda *paths: (done.append("rename"), rename(*paths))[1])
    with write(tmp_path / "a") as temporary:  # type: ignore[operator]
        (temporary / "x" if temporary.is_dir() else temporary).write_bytes(b"1")
    assert done[0] == "sync"
    assert done[-2:] == ["rename", "sync"]  # then the folder that holds the name
