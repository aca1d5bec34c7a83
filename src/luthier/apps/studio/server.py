"""One process, one address: the page, and the reports that it shows."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from types import FrameType
from typing import Any

import gradio
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luthier.apps.build_places import BuildPlaces
from luthier.apps.cli.check import PAGE
from luthier.apps.studio.look import CSS, look
from luthier.apps.studio.microphone import HEAD
from luthier.apps.studio.page import studio_page
from luthier.apps.studio.workshop import Workshop
from luthier.errors import RangeError

OWN_ONLY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"
"""Content-Security-Policy: browsers load nothing from anywhere else, and tell nobody else anything."""


class OwnOnly:
    """Wraps an application so that browsers keep to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with one header more."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", OWN_ONLY.encode())
                message = {**message, "headers": [*message.get("headers", []), policy]}
            await send(message)

        await self.app(scope, receive, send_with_policy)


class PromptServer(uvicorn.Server):
    """Ends when it is told to: open pages, which keep a connection for as long as they are open, are not waited for."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at once, without a traceback for each page that is cut off."""
        logging.getLogger("uvicorn.error").disabled = True
        super().handle_exit(sig, frame)
        self.force_exit = True


def serve(workshop: Workshop, listener: socket.socket) -> None:
    """Show the page until somebody presses Ctrl-C; a build that is at work then ends."""
    config = uvicorn.Config(OwnOnly(studio_app(workshop)), log_level="warning")
    try:
        PromptServer(config).run(sockets=[listener])
    finally:
        workshop.stop()


def studio_app(workshop: Workshop) -> FastAPI:
    """The page at /, the pages of check-ups and reports beside it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/check/{token}")
    def check(token: str) -> Any:
        place = workshop.place(token)
        return _page(place / "check" / PAGE if place else None)

    @app.get("/report/{name}")
    def report(name: str) -> Any:
        try:
            return _page(BuildPlaces(workshop.output(name)).report_page)
        except RangeError:
            return _page(None)

    return gradio.mount_gradio_app(
        app, studio_page(workshop), "/",
        theme=look(), css=CSS, head=HEAD, footer_links=[], run_history=False, ssr_mode=False,
    )  # fmt: skip


def _page(path: Path | None) -> FileResponse:
    if path is None or not path.is_file():
        raise HTTPException(404, "There is no such page.")
    return FileResponse(path, media_type="text/html")
