"""The first tab: are these recordings fit to train on?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio

from luthier.apps.studio.checking import check_dropped
from luthier.apps.studio.words import check_summary, frame, problem
from luthier.apps.studio.workshop import Workshop
from luthier.errors import LuthierError

INTRODUCTION = """Drop recordings of **one instrument, alone, in one room**: a minute to try, four or more to keep.
Scales and a few pieces, soft and loud, make a good set. They stay on the computer that luthier runs on."""


def check_tab(workshop: Workshop, recordings: gradio.State) -> None:
    """Lay out the tab; what was checked goes into `recordings`, None where there is nothing to build from."""
    gradio.Markdown(INTRODUCTION)
    files = gradio.File(label="Recordings", file_count="multiple", height=220)
    button = gradio.Button("Check", variant="primary")
    summary = gradio.HTML()
    with gradio.Accordion("Everything that was found, with pictures", open=False, visible=False) as details:
        page = gradio.HTML()

    def check(dropped: list[str] | None, progress: gradio.Progress = gradio.Progress()) -> Iterator[dict[Any, Any]]:  # noqa: B008 - how gradio hands it over
        yield cleared()

        def told(n_done: int, n_all: int, path: Path) -> None:
            progress((n_done, n_all), desc=path.name, unit="recordings")

        progress(0, desc="Listening")
        try:
            found = check_dropped(workshop, dropped or [], told)
        except LuthierError as error:
            yield {summary: problem(error)}
            return
        yield {
            summary: check_summary(found.report),
            details: gradio.Accordion(visible=True),
            page: frame(f"/check/{found.recordings.token}", "Check-up"),
            recordings: found.recordings,
        }

    def cleared() -> dict[Any, Any]:
        return {summary: "", details: gradio.Accordion(visible=False), page: "", recordings: None}

    shown = [summary, details, page, recordings]
    # One at a time: each uses all cores.
    checking = button.click(check, [files], shown, api_name="check", show_progress_on=summary, concurrency_limit=1)
    # What was found is about the files that were there: others need a check of their own.
    files.change(cleared, None, shown, api_visibility="private", show_progress="hidden", cancels=[checking])
