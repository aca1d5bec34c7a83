"""Where a build leaves what it makes: everything beside the instrument."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from luthier.atomic import atomic_file
from luthier.errors import OutputError


class BuildProgress(NamedTuple):
    """How far a build is; a file in its folder.

    Attributes:
        wanted: recordings and settings: what a build that is resumed must be given again.
        budget: of the training, and whether it is refitted; another one goes on with it.
        is_begun: whether the run in the run folder is this build's.
        is_trained: whether the instrument is there with this budget.
    """

    wanted: dict[str, Any]
    budget: dict[str, float | None]
    is_begun: bool = False
    is_trained: bool = False

    def write(self, places: BuildPlaces) -> None:
        """Keep it."""
        with atomic_file(places.progress, force=True) as temporary:
            temporary.write_text(json.dumps(self._asdict()), encoding="utf-8")

    def resumed(self, places: BuildPlaces) -> BuildProgress:
        """This build, as far as it came when it was interrupted.

        Raises:
            OutputError: another one was begun there.
        """
        if not places.progress.is_file():  # builds of the first versions kept no progress
            return self._replace(is_begun=True, is_trained=places.output.exists())
        before = BuildProgress(**json.loads(places.progress.read_text(encoding="utf-8")))
        if before.wanted != self.wanted:
            raise OutputError(
                f"{places.folder}: was begun with other recordings or settings. Give those again, or begin anew: --force."
            )
        is_trained = before.is_trained and before.budget == self.budget and places.output.exists()
        return self._replace(is_begun=before.is_begun, is_trained=is_trained)


class BuildPlaces(NamedTuple):
    """The paths of a build: violin.safetensors -> violin-build/.

    Attributes:
        output: the instrument file.
    """

    output: Path

    @property
    def folder(self) -> Path:
        """Holds everything but the instrument and its run."""
        return self.output.with_name(f"{self.output.stem}-build")

    @property
    def progress(self) -> Path:
        """What was asked for and how far it is: `BuildProgress`."""
        from luthier.data.recordings import BUILD_NAME  # which needs torch, and `luthier --help` does not

        return self.folder / BUILD_NAME

    @property
    def check(self) -> Path:
        """Folder of the check-up's page."""
        return self.folder / "check"

    @property
    def dataset(self) -> Path:
        """The prepared recordings."""
        return self.folder / "dataset"

    @property
    def report(self) -> Path:
        """Folder of scores and the page with players."""
        return self.folder / "report"

    @property
    def report_page(self) -> Path:
        """The page with players."""
        return self.report / "report.html"
