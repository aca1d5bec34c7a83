"""What the studio works with: the folder of instruments, a place for passing things, the build at work."""

from __future__ import annotations

import json
import re
import shutil
import threading
import uuid
from pathlib import Path
from typing import NamedTuple

from luthier.apps.build_places import BuildPlaces
from luthier.apps.studio.build_process import BuildProcess
from luthier.atomic import atomic_folder
from luthier.errors import InstrumentFileError, OutputError, RangeError
from luthier.model.bundled import SUFFIX, bundled_folder, bundled_names

NAME = re.compile(r"\w[\w -]{0,59}")
"""A name that every system takes for a file, and that leads nowhere else."""
MOST_MINUTES = 10_000
"""Of training: a week."""
SAME_RECORDINGS = "recordings.json"
"""In the folder of a build: hashes of what it was begun with."""


class Recordings(NamedTuple):
    """Recordings that were checked, ready to be built from.

    Attributes:
        token: of their place, see `Workshop.place`.
        folder: where they lie.
        check: folder of the check-up's page.
        content_hashes: SHA-256 of each, sorted.
        is_usable: whether nothing was found that speaks against training.
    """

    token: str
    folder: Path
    check: Path
    content_hashes: list[str]
    is_usable: bool


class Workshop:
    """Everything that all visitors of the page share.

    Attributes:
        folder: of the instruments that are built here.
        scratch: for what is gone when the studio ends.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self.scratch = folder, scratch
        self._lock = threading.Lock()
        self._at_work: BuildProcess | None = None

    def new_place(self) -> tuple[str, Path]:
        """A new folder for one visitor's things, and the token by which only they know it."""
        token = uuid.uuid4().hex
        folder = self.scratch / "places" / token
        folder.mkdir(parents=True)
        return token, folder

    def place(self, token: str) -> Path | None:
        """The folder of a token; None if there is none."""
        folder = self.scratch / "places" / token
        return folder if token.isalnum() and folder.is_dir() else None

    def instruments(self) -> dict[str, Path]:
        """What can be played, by the name that is shown: first what was built here, then what comes along."""
        own = {path.stem: path for path in sorted(self.folder.glob(f"*{SUFFIX}"))}
        boxed = {name: bundled_folder() / f"{name}{SUFFIX}" for name in bundled_names()}
        return own | {f"{name} (in the box)": path for name, path in boxed.items()}

    def instrument(self, shown: str | None) -> Path:
        """The file of an instrument by the name that is shown.

        Raises:
            InstrumentFileError: there is none.
        """
        if not shown:
            raise InstrumentFileError("no instrument yet. Choose one from the list.")
        found = self.instruments().get(shown)
        if found is None:
            raise InstrumentFileError(f"{shown}: no such instrument here. Choose one from the list.")
        return found

    def output(self, name: str) -> Path:
        """The file that an instrument of this name goes into.

        Raises:
            RangeError: the name is none.
        """
        if not name:
            raise RangeError("no name yet. Give the instrument one, such as my violin.")
        if not NAME.fullmatch(name):
            raise RangeError(f"{name!r}: expected a name of letters, digits, spaces, - and _, such as my violin.")
        return self.folder / f"{name}{SUFFIX}"

    def build(self, name: str, minutes: float | None, recordings: Recordings) -> BuildProcess:
        """Begin to build an instrument, or go on where the same build was stopped; one that is at work is found again.

        Without minutes training takes as long as suits the recordings.

        Raises:
            OutputError: another build is at work, or the name is taken.
            RangeError: the name is none, or the minutes are not positive.
        """
        places = BuildPlaces(self.output(name.strip()))
        if minutes is not None and not 0 < minutes <= MOST_MINUTES:
            raise RangeError(f"{minutes:g} minutes: expected a positive number, {MOST_MINUTES:,} at most.")
        with self._lock:
            work = self.at_work()
            if work is None:
                _claim(places, recordings)
                work = self._at_work = BuildProcess(places, recordings.folder, minutes)
            elif work.places != places or _content_hashes(places) != recordings.content_hashes:
                raise OutputError(f"{work.places.output.stem} is being built. Wait until it is ready.")
            return work

    def at_work(self) -> BuildProcess | None:
        """The build that is at work, if any."""
        work = self._at_work
        return work if work is not None and work.is_running else None

    def stop(self) -> None:
        """Stop the build that is at work, if any."""
        if self._at_work is not None:
            self._at_work.stop()


def _claim(places: BuildPlaces, recordings: Recordings) -> None:
    """Make the folder of a build, the check-up in it; one of the same recordings that was stopped is taken up again.

    Raises:
        OutputError: the name belongs to something else.
    """
    taken = f"{places.output.stem}: there is an instrument of this name already. Choose another name."
    if not places.folder.exists():
        if places.output.exists():
            raise OutputError(taken)
        with atomic_folder(places.folder) as folder:
            shutil.copytree(recordings.check, folder / places.check.name)
            (folder / SAME_RECORDINGS).write_text(json.dumps(recordings.content_hashes), encoding="utf-8")
    elif places.report_page.exists():
        raise OutputError(taken)
    elif _content_hashes(places) != recordings.content_hashes:
        raise OutputError(f"{places.output.stem}: a build of other recordings was stopped here. Choose another name.")


def _content_hashes(places: BuildPlaces) -> list[str]:
    stored = places.folder / SAME_RECORDINGS
    return list(json.loads(stored.read_text(encoding="utf-8"))) if stored.is_file() else []
