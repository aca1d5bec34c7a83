"""Instruments that come with the package, found by name."""

from __future__ import annotations

import difflib
from importlib.resources import files
from pathlib import Path

from luthier.errors import InstrumentFileError

SUFFIX = ".safetensors"


def bundled_folder() -> Path:
    """Where the instruments lie, each with a card (.md) and a preview (.ogg) beside it."""
    return Path(str(files("luthier") / "instruments"))


def bundled_names() -> list[str]:
    """The instruments that come with the package, in alphabetical order."""
    return sorted(path.stem for path in bundled_folder().glob(f"*{SUFFIX}"))


def is_bundled_name(given: str | Path) -> bool:
    """Whether something given means an instrument of the package: a file of the same name would win."""
    return str(given) in bundled_names() and not _is_file(Path(given))


def find_instrument(given: str | Path) -> Path:
    """The file of an instrument, given its path or, for one of the package, its name.

    Raises:
        InstrumentFileError: there is neither such a file nor such a name.
    """
    path = Path(given)
    if _is_file(path):
        return path
    if is_bundled_name(given):
        return bundled_folder() / f"{given}{SUFFIX}"
    if path.suffix or len(path.parts) != 1:
        raise InstrumentFileError(
            f"{path}: no such file. Expected an instrument ({SUFFIX}) made by `luthier train`, or a name that "
            "`luthier instruments` lists."
        )
    raise InstrumentFileError(
        f"{path}: no such file, and no instrument of this name comes with luthier. {hint(path.name, bundled_names())}"
    )


def hint(name: str, names: list[str]) -> str:
    """What a name that does not exist may have been meant to be, and which there are."""
    near = difflib.get_close_matches(name.lower(), names, n=1)
    near = near or [candidate for candidate in names if name.lower() in candidate]
    meant = f"Did you mean {near[0]}? " if near else ""
    return f"{meant}There are: {', '.join(names)}."


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, a folder without rights
        return False
