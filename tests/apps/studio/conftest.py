"""A studio that listens on this computer, and visitors of its page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from gradio_client import Client

OVERHEARD = """
import os, sys

def overhear(event, words):
    place = {"socket.connect": lambda: words[1], "socket.getaddrinfo": lambda: words[0]}.get(event, lambda: None)()
    host = place[0] if isinstance(place, tuple) else place
    if host not in ("127.0.0.1", "localhost", None):
        with open(os.environ["CALLED"], "a") as file:
            print(host, file=file)

sys.addaudithook(overhear)
from luthier.apps.cli.main import main
main()
"""
"""The command line, in a process that notes whom it calls outside this computer."""


class Studio(NamedTuple):
    """Where the page is, where its instruments lie, its temporary folders, whom it called, and its process."""

    url: str
    folder: Path
    temporary: Path
    called: Path
    process: subprocess.Popen[str]


@contextmanager
def open_studio(place: Path) -> Iterator[Studio]:
    """Run `luthier studio` for as long as this lasts."""
    folder, temporary, called = place / "instruments", place / "temporary", place / "called"
    temporary.mkdir()
    called.touch()
    command = [sys.executable, "-c", OVERHEARD, "studio", "--no-browser", "--port", "0", "--folder", str(folder)]
    environment = os.environ | {"TMPDIR": str(temporary), "CALLED": str(called)}
    with (
        (place / "said").open("w") as said,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), (place / "said").read_text()
            yield Studio(url, folder, temporary, called, process)
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with open_studio(tmp_path_factory.mktemp("studio")) as running:
        yield running


Visitor = Callable[[], Client]


@pytest.fixture
def visitor(studio: Studio, tmp_path: Path) -> Visitor:
    """A function that opens the page once more."""
    return lambda: Client(studio.url, download_files=tmp_path / "downloads", verbose=False, analytics_enabled=False)
