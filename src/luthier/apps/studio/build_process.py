"""`luthier build` at work in a process of its own: it stops when told to, and the page stays quick meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from luthier.apps.build_places import BuildPlaces
from luthier.apps.cli.failures import USERS_ERROR
from luthier.apps.cli.training_lines import clock
from luthier.apps.studio.bare_names import with_bare_names

LUTHIER = (sys.executable, "-c", "from luthier.apps.cli.main import main; main()")
PATIENCE_SECONDS = 10.0
"""How long a stopped build may take to end before it is killed: nothing it leaves is half-written either way."""


class BuildProcess:
    """One build.

    Attributes:
        places: what it makes.
        was_stopped: whether somebody stopped it.
    """

    def __init__(self, places: BuildPlaces, recordings: Path, minutes: float | None) -> None:
        self.places, self.was_stopped = places, False
        self._recordings, self._began = recordings, time.monotonic()
        budget = [] if minutes is None else ["--minutes", f"{minutes:g}"]
        words = ["build", *sorted(recordings.iterdir()), "-o", places.output, *budget, "--resume"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*LUTHIER, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log
            )

    @property
    def _log(self) -> Path:
        return self.places.folder / "build.log"

    @property
    def is_running(self) -> bool:
        """Whether it is still at work."""
        return self._process.poll() is None

    @property
    def succeeded(self) -> bool:
        """Whether it ended with an instrument and its report."""
        return self._process.poll() == 0 and self.places.report_page.is_file()

    def clock(self) -> str:
        """Time since it began: 1:05."""
        return clock(time.monotonic() - self._began)

    def stop(self) -> None:
        """End it; the same build goes on from its last checkpoint when it is begun again."""
        self.was_stopped = self.was_stopped or self.is_running
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failure(self) -> str:
        """Why it failed, in one line."""
        _, is_said, sentence = self._log.read_text(encoding="utf-8", errors="replace").rpartition("luthier: ")
        if self._process.poll() == USERS_ERROR and is_said:
            return with_bare_names(with_bare_names(sentence.strip(), self._recordings), self.places.folder.parent)
        return f"The build ended unexpectedly. {self._log} says more."
