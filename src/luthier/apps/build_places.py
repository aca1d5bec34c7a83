"""Where a build leaves what it makes: everything beside the instrument."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


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
