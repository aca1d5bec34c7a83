"""Dropped recordings to a check-up: the same as `luthier check`, with what it leaves kept for a build."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.analysis.checkup_findings import Light
from luthier.apps.cli.check import PAGE
from luthier.apps.studio.bare_names import with_bare_names
from luthier.apps.studio.workshop import Recordings, Workshop
from luthier.data.check import CheckReport, OnProgress, check
from luthier.errors import AudioFileError, LuthierError
from luthier.evaluation.check_page import write_check_page


class Checked(NamedTuple):
    """Recordings with what was found.

    Attributes:
        report: lights and sentences; its paths are bare file names.
        recordings: for a build.
    """

    report: CheckReport
    recordings: Recordings


def check_dropped(workshop: Workshop, dropped: Sequence[str], on_progress: OnProgress) -> Checked:
    """Check recordings that somebody dropped on the page.

    Args:
        workshop: gives them a place.
        dropped: files as the page hands them over.
        on_progress: called after each recording with (number done, number in all, path).

    Raises:
        AudioFileError: nothing was dropped, or nothing of it can be read.
    """
    if not dropped:
        raise AudioFileError("no recordings yet. Drop some on the page first.")
    token, place = workshop.new_place()
    folder = place / "recordings"
    _collect([Path(path) for path in dropped], folder)
    try:
        report = check(sorted(folder.iterdir()), on_progress=on_progress)
    except LuthierError as error:
        raise type(error)(with_bare_names(str(error), folder)) from error
    for entry in report.unreadable:  # it has its light; a build takes the others
        entry.path.unlink()
    report = _renamed(report, folder)
    write_check_page(place / "check" / PAGE, report)
    hashes = sorted(file.content_hash for file in report.files)
    return Checked(report, Recordings(token, folder, place / "check", hashes, report.verdict < Light.RED))


def _collect(files: Sequence[Path], folder: Path) -> None:
    """Copy files into one folder, which tells equal names apart."""
    folder.mkdir()
    for file in files:
        target, number = folder / file.name, 1
        while target.exists():
            number += 1
            target = folder / f"{file.stem} ({number}){file.suffix}"
        shutil.copyfile(file, target)


def _renamed(report: CheckReport, folder: Path) -> CheckReport:
    """A visitor knows the names of the files, not where they were put."""
    return report._replace(
        files=[file._replace(path=Path(file.path.name)) for file in report.files],
        unreadable=[
            entry._replace(path=Path(entry.path.name), reason=with_bare_names(entry.reason, folder))
            for entry in report.unreadable
        ],
        duplicates=[(Path(copy.name), Path(original.name)) for copy, original in report.duplicates],
    )
