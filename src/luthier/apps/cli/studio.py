"""`luthier studio`: the web page for musicians who write no code."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from luthier.apps.cli.output import say
from luthier.errors import MissingExtraError, OutputError


def studio(
    folder: Annotated[Path, typer.Option(help="Folder of your instruments; made when the first one is built.")] = Path(
        "studio"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: others on the network may come in.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any that is free.")] = 7860,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page.")] = False,
) -> None:
    """Open the web page: check recordings, build an instrument, play it. Ctrl-C ends it."""
    if importlib.util.find_spec("gradio") is None:
        raise MissingExtraError("luthier studio needs an extra. Run: pip install 'luthier[web]'")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file. Give the folder of your instruments, or one to be made.")
    from luthier.apps.studio.address import listen, page_url

    with _as_ctrl_c(), listen(host, port) as listener, TemporaryDirectory(prefix="luthier-studio-") as scratch:
        say("Starting: this takes some seconds.")
        # Read by gradio as it starts: nobody is told that the page is used, and what it keeps goes when it ends.
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": scratch}
        from luthier.apps.studio.server import serve
        from luthier.apps.studio.workshop import Workshop

        print(page_url(listener), flush=True)
        say(f"Instruments: {folder.absolute()}    Ctrl-C ends the studio.")
        if not no_browser:
            import webbrowser

            webbrowser.open(page_url(listener))
        serve(Workshop(folder.absolute(), Path(scratch)), listener)


@contextmanager
def _as_ctrl_c() -> Iterator[None]:
    """Who ends it in another way, or closes the terminal, leaves nothing behind either."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
