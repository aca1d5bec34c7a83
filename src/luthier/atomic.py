"""Writing results so that a reader meets the old one or the new one, never half of one.

A result is written under a temporary name beside its place (`.violin.unfinished-x3k9.wav`), synced and renamed.
Who is killed leaves the temporary name behind; the next one to write the same result removes it.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from luthier.errors import OutputError

if sys.platform != "win32":
    import fcntl

UNFINISHED = ".unfinished-"
"""In all temporary names."""
NAME_LENGTH = 40
"""Characters of the result's name in its temporary name: names have a longest length."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Of renameat2(2) on Linux: paths count from the working folder; swap the two names."""


def refuse_existing(path: Path, *, force: bool) -> None:
    """Stop before any work is done when the result would overwrite something.

    Raises:
        OutputError: something is at `path` and `force` is not set, or there can be no such path.
    """
    with _as_output_error(path):
        exists = path.exists() or path.is_symlink()
    if exists and not force:
        raise OutputError(f"{path}: exists already. Choose another name, or add --force to replace it.")


def refuse_unwritable(path: Path) -> None:
    """Stop before any work is done when the result could not be written; nothing is left behind, no folder either.

    Raises:
        OutputError: the nearest folder that is there takes no files.
    """
    with _as_output_error(path):
        place = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=place):
            pass


def refuse_suffix(path: Path, what: str, suffixes: Sequence[str]) -> None:
    """Stop before any work is done when the result's name does not say what it is.

    Args:
        path: to write.
        what: is written, in the plural.
        suffixes: that it may end in, lower case; upper case will do.

    Raises:
        OutputError: the name ends otherwise.
    """
    if path.suffix.lower() not in suffixes:
        raise OutputError(f"{path}: {what} are written as {' or '.join(suffixes)}. Change the end of the name.")


def refuse_loss(folder: Path, mark: str, inputs: Iterable[Path]) -> None:
    """Stop before any work is done when replacing a folder would delete something to keep.

    Args:
        folder: that is to be replaced, if it is there.
        mark: a file that is in every folder of this kind.
        inputs: what is read.

    Raises:
        OutputError: the folder holds an input, or things but not the mark: it is another kind of folder.
    """
    if not folder.is_dir():
        return
    place = folder.resolve()
    for one in map(Path, inputs):
        if place in (one.resolve(), *one.resolve().parents):
            raise OutputError(f"{folder}: holds {one}, which is read here and would be lost. Choose another place.")
    strange = sorted(path.name for path in folder.iterdir() if not is_unfinished(path))
    if strange and mark not in strange:
        raise OutputError(f"{folder}: holds {strange[0]!r}, which would be lost. Choose another place, or empty it.")


def is_unfinished(path: Path) -> bool:
    """Whether a name is one of the temporary names given here."""
    return path.name.startswith(".") and re.search(rf"{UNFINISHED}\w+(\.\w+)?$", path.name) is not None


@contextmanager
def atomic_file(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success sync it and rename it to `path`.

    The temporary name ends in the same suffix, so that writers which look at it work.

    Raises:
        OutputError: `path` exists and `force` is not set, or the place cannot be written to.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    prefix, suffix = f".{path.stem[:NAME_LENGTH]}{UNFINISHED}", path.suffix
    missing = missing_folders(path)
    with _as_output_error(path):
        _make_place(path, prefix, suffix)
        temporary = _new_name(path, prefix, suffix)
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with _as_output_error(path), _held(handle):
            yield temporary
            _sync(temporary)
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
        remove_empty(missing)


@contextmanager
def atomic_folder(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success sync it and rename it to `path`, replacing what was there.

    On Linux both names are swapped in one step. Elsewhere a folder is replaced in two renames: who is killed
    between them finds the old one, whole, under its temporary name.

    Raises:
        OutputError: `path` exists and `force` is not set, or the place cannot be written to.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    prefix = f".{path.name[:NAME_LENGTH]}{UNFINISHED}"
    missing = missing_folders(path)
    with _as_output_error(path):
        _make_place(path, prefix, "")
        temporary = _new_name(path, prefix, "")
        temporary.mkdir()
    try:
        with _as_output_error(path), _held(_open_folder(temporary)):
            yield temporary
            _sync_tree(temporary)
            _replace_folder(temporary, path)
            _sync_folder(path.parent)
    finally:
        _remove(temporary)
        remove_empty(missing)


def missing_folders(path: Path) -> list[Path]:
    """Folders that are made for a result, the innermost first."""
    return [folder for folder in path.absolute().parents if not folder.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove what was made for a result that there is not; a folder that holds anything stays."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _make_place(path: Path, prefix: str, suffix: str) -> None:
    """The folder of a result, without what writers of the same result left there when they were killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":  # whether a writer still lives cannot be told there
        return
    for found in path.parent.iterdir():
        if found.name.startswith(prefix) and found.name.endswith(suffix) and _is_abandoned(found):
            _remove(found)


def _new_name(path: Path, prefix: str, suffix: str) -> Path:
    return path.parent / f"{prefix}{secrets.token_hex(8)}{suffix}"


def _is_abandoned(path: Path) -> bool:
    """Whether nobody holds a temporary name: the system lets go of it for who is killed."""
    if sys.platform == "win32":
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


@contextmanager
def _held(handle: int | None) -> Iterator[None]:
    """Hold an open temporary name for as long as this process lives and works on it, then close it."""
    if handle is None:
        yield
        return
    try:
        if sys.platform != "win32":
            with suppress(OSError):  # some network drives know no locks: nothing is removed there either
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        else:  # an open file cannot be renamed there
            os.close(handle)
            handle = None
            yield
    finally:
        if handle is not None:
            os.close(handle)


def _open_folder(path: Path) -> int | None:
    return os.open(path, os.O_RDONLY) if sys.platform != "win32" else None


def _replace_folder(new: Path, path: Path) -> None:
    if not os.path.lexists(path):
        new.replace(path)
    elif not _exchange(new, path):
        _replace_in_two_steps(new, path)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, where system and drive can do that: renameat2(2) of Linux."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other)
    return rename is not None and rename(*names, RENAME_EXCHANGE) == 0


def _replace_in_two_steps(new: Path, path: Path) -> None:
    retired = Path(tempfile.mkdtemp(prefix=f".{path.name[:NAME_LENGTH]}-old-", dir=path.parent)) / path.name
    try:
        path.replace(retired)
        try:
            new.replace(path)
        except OSError:
            retired.replace(path)
            raise
    finally:
        shutil.rmtree(retired.parent, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path}: cannot be written ({reason}). Check the folder's rights and the free space."
        ) from error


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        for name in files:
            _sync(Path(parent, name))
        _sync_folder(Path(parent))


def _sync_folder(path: Path) -> None:
    """Names are kept in the folder: without this a renaming may not survive a power cut."""
    handle = _open_folder(path)
    if handle is not None:
        with suppress(OSError):  # some network drives refuse this
            os.fsync(handle)
        os.close(handle)
