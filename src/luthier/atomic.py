"""Writing results so that a reader meets the old one or the new one, never half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luthier.errors import OutputError


def refuse_existing(path: Path, *, force: bool) -> None:
    """Stop before any work is done when the result would overwrite something.

    Raises:
        OutputError: something is at `path` and `force` is not set, or there can be no such path.
    """
    with _as_output_error(path):
        exists = path.exists() or path.is_symlink()
    if exists and not force:
        raise OutputError(f"{path}: exists already. Choose another name, or add --force to replace it.")


@contextmanager
def atomic_file(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success sync it and rename it to `path`.

    The temporary name ends in the same suffix, so that writers which look at it work.

    Raises:
        OutputError: `path` exists and `force` is not set, or the place cannot be written to.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    with _as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with _as_output_error(path):
            yield temporary
            _sync(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success rename it to `path`, replacing what was there.

    Raises:
        OutputError: `path` exists and `force` is not set, or the place cannot be written to.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    with _as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}-", dir=path.parent))
    try:
        with _as_output_error(path):
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace_folder(new: Path, path: Path) -> None:
    if not path.exists():
        new.replace(path)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}-old-", dir=path.parent)) / path.name
    try:
        path.replace(retired)
        try:
            new.replace(path)
        except OSError:
            retired.replace(path)
            raise
    finally:
        shutil.rmtree(retired.parent, ignore_errors=True)


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
