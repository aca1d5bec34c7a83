"""A folder of pitch curves, one CSV file for each recording, found again by name.

recordings/soft/A 4.flac   ◄──►   curves/soft/A 4.csv
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from luthier.atomic import atomic_folder
from luthier.data.f0_files import write_f0
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError, OutputError

SUFFIX = ".csv"


class NamedF0(NamedTuple):
    """The pitch of a recording, and the name of its file.

    Attributes:
        name: path inside the folder.
        f0_hz: (n_frames,), Hz.
        periodicity: (n_frames,), 0..1.
    """

    name: Path
    f0_hz: Tensor
    periodicity: Tensor


def curve_names(given: Sequence[str | Path], found: Iterable[Path]) -> dict[Path, Path]:
    """The name of each recording's curve: as its own below the folder that was named, ending in .csv.

    Args:
        given: files and folders that the user named.
        found: the recordings among them.

    Raises:
        ConfigError: two recordings would share one name.
    """
    folders = [path for path in map(Path, given) if path.is_dir()]
    names: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    for path in found:
        below = (path.relative_to(folder) for folder in folders if path.is_relative_to(folder))
        names[path] = name = next(below, Path(path.name)).with_suffix(SUFFIX)
        other = owners.setdefault(name, path)
        if other != path:
            raise ConfigError(f"{path} and {other}: both would have the pitch curve {name}. Rename one of them.")
    return names


def find_curves(folder: Path, names: Mapping[Path, Path]) -> dict[Path, Path]:
    """The file of each recording that has one; the pitch of the others is tracked.

    Args:
        folder: where the files are.
        names: of `curve_names`.

    Raises:
        ConfigError: there is no such folder, no file in it, or a file belongs to no recording.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder of pitch curves. `luthier prepare --save-f0` writes one.")
    owners = {name: path for path, name in names.items()}
    found = {file.relative_to(folder).with_suffix(SUFFIX): file for file in _files(folder)}
    strange = [file for name, file in found.items() if name not in owners]
    if strange or not found:
        example = next(iter(owners), Path(f"take{SUFFIX}"))
        problem = f"{strange[0]}: belongs to none of the recordings" if strange else f"{folder}: no pitch curves in it"
        raise ConfigError(f"{problem}. Expected files named like the recordings, such as {folder / example}.")
    return {owners[name]: file for name, file in found.items()}


def refuse_existing_curves(folder: Path) -> None:
    """Stop before the work where curves would be replaced: somebody may have corrected them by hand.

    Raises:
        OutputError: something is there; no option changes that.
    """
    if folder.exists() or folder.is_symlink():
        raise OutputError(f"{folder}: exists already and may hold corrections. Choose another name, or remove it.")


def save_curves(folder: Path, curves: Iterable[NamedF0], definition: FeatureDefinition) -> None:
    """Write a new folder of pitch curves.

    Raises:
        OutputError: the folder exists, or the place cannot be written to.
    """
    refuse_existing_curves(folder)
    with atomic_folder(folder) as temporary:
        for curve in curves:
            file = temporary / curve.name
            file.parent.mkdir(parents=True, exist_ok=True)
            write_f0(file, curve.f0_hz, curve.periodicity, definition)


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() == SUFFIX and not is_hidden:
            yield file
