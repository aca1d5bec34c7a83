"""Finding the recordings among the files and folders that a user names."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.data import compressed_files
from luthier.errors import AudioFileError

logger = logging.getLogger(__name__)

BUILD_NAME = "build.json"
"""How far a build is: in the folder that it leaves beside its instrument."""

SOUND_SUFFIXES = compressed_files.SUFFIXES | {
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64",
    ".rf64",
}  # fmt: skip


class Found(NamedTuple):
    """What a search for recordings brought.

    Attributes:
        recordings: sound files in natural order ("take 2" before "take 10"), each once.
        n_ignored: other files met in folders.
    """

    recordings: list[Path]
    n_ignored: int


def collect_recordings(paths: Sequence[str | Path]) -> Found:
    """Find all sound files among files and folders, folders with everything below them.

    A file named by the user is taken whatever its suffix; in folders the suffix decides. Hidden
    files and folders are passed over, and what runs and builds left there; links are followed once.

    Raises:
        AudioFileError: a path does not exist, or there is no sound file; the message says what was found.
    """
    found: dict[str, Path] = {}
    strays: list[Path] = []
    for path in map(Path, paths):
        if not _exists(path):
            raise AudioFileError(f"{path}: no such file or folder. Check the name.")
        for file in _files_below(path) if path.is_dir() else iter([path]):
            if file == path or file.suffix.lower() in SOUND_SUFFIXES:
                found.setdefault(os.path.realpath(file), file)
            else:
                strays.append(file)
    if not found:
        raise AudioFileError(_nothing_found(paths, strays))
    return Found(sorted(found.values(), key=natural_key), len(strays))


def natural_key(path: Path) -> list[tuple[tuple[int, int, str], ...]]:
    """Sort key that reads numbers as numbers and ignores case, folder by folder."""
    return [_natural_name(part) for part in path.parts]


def _natural_name(name: str) -> tuple[tuple[int, int, str], ...]:
    words = re.split(r"([0-9]+)", name)
    key = [(0, int(word), "") if word.isdecimal() else (1, 0, word.casefold()) for word in words if word]
    return (*key, (2, 0, name))


def _files_below(folder: Path) -> Iterator[Path]:
    """Files of a folder and its folders; a folder met again through a link is not entered again."""
    seen: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=_log_locked):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        if _is_our_work(files, folders) and Path(parent) != folder:
            logger.warning("passed over %s: Luthier made it.", parent)
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))


def _is_our_work(files: Sequence[str], folders: Sequence[str]) -> bool:
    """Whether a folder is a run's, with sounds that an instrument played in training, or a build's."""
    return BUILD_NAME in files or ("config.toml" in files and "tensorboard" in folders)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, a folder without rights
        return False


def _log_locked(error: OSError) -> None:
    logger.warning("passed over %s: %s.", error.filename, error.strerror)


def _nothing_found(paths: Sequence[str | Path], strays: list[Path]) -> str:
    place = ", ".join(str(path) for path in paths) or "nothing given"
    if not strays:
        return f"{place}: no files found. Give WAV, FLAC, OGG, MP3 or AIFF recordings."
    kinds = Counter(file.suffix.lower() or "no suffix" for file in strays).most_common(3)
    seen = ", ".join(f"{count} x {kind}" for kind, count in kinds)
    return f"{place}: no recordings among {len(strays)} files ({seen}). Give WAV, FLAC, OGG, MP3 or AIFF files."
