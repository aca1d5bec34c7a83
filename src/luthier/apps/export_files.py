"""An instrument as files for other programs, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from luthier.atomic import atomic_file, refuse_existing
from luthier.errors import OutputError

if TYPE_CHECKING:
    from luthier.export.targets import Target
    from luthier.inference.player import Player

ROOM_SUFFIX = ".room.wav"


def planned_files(path: Path, target: Target, *, force: bool) -> list[Path]:
    """What will be written, before any work is done: the file itself, then the room beside it where it is not in it.

    Raises:
        OutputError: the name ends otherwise than such files do, or something is there and `force` is not set.
    """
    if path.suffix.lower() != target.suffix:
        raise OutputError(f"{path}: expected a name that ends in {target.suffix}. Change the end of the name.")
    files = [path] if target.carries_room else [path, path.with_suffix(ROOM_SUFFIX)]
    for file in files:
        refuse_existing(file, force=force)
    return files


def write_export(player: Player, target: Target, path: Path, *, force: bool = False) -> list[Path]:
    """Write an instrument for another program.

    Args:
        player: the instrument.
        target: what kind of file.
        path: of the file; the room goes beside it, as NAME.room.wav.
        force: replace existing files.

    Returns:
        The files that were written.

    Raises:
        OutputError: see `planned_files`, or the place cannot be written to: then what was at `path` is still there.
        MissingExtraError: a package that it takes is not installed.
    """
    from luthier.data.audio_files import save_audio

    files = planned_files(path, target, force=force)
    content = target.export(player)
    with atomic_file(path, force=force) as temporary:
        temporary.write_bytes(content)
        for room in files[1:]:
            save_audio(room, player.room(), player.sample_rate, force=force)
    return files
