"""The second tab: an instrument from the recordings that were checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio

from luthier.analysis.checkup_findings import Light
from luthier.apps.studio.build_process import BuildProcess
from luthier.apps.studio.build_progress import progress_lines
from luthier.apps.studio.words import frame, note, problem
from luthier.apps.studio.workshop import Recordings, Workshop
from luthier.errors import LuthierError, RangeError
from luthier.training.run_folder import default_run_folder

LOOK_EVERY_SECONDS = 1.0
NOT_CHECKED = "Check recordings first, on the first tab."
USABLE = "The recordings are checked: {n} of them, ready to build from."
UNUSABLE = (
    "The check-up found red points. Record again, or leave those recordings out; an instrument learns their faults."
)


def build_tab(page: gradio.Blocks, workshop: Workshop, recordings: gradio.State) -> gradio.State:
    """Lay out the tab; the answer changes whenever an instrument was built. A page that is opened anew shows what goes on."""
    readiness = gradio.HTML(note(NOT_CHECKED))
    all_the_same = gradio.Checkbox(label="I have read the red points: build all the same.", visible=False)
    with gradio.Row():
        name = gradio.Textbox(label="Name", placeholder="my violin", max_length=60)
        minutes = gradio.Number(label="Minutes of training; empty: as suits the recordings", value=None)
    with gradio.Row():
        button = gradio.Button("Build", variant="primary", interactive=False)
        stop = gradio.Button("Stop", variant="stop", visible=False)
    outcome = gradio.HTML()
    lines = gradio.Textbox(label="Progress", lines=8, max_lines=16, visible=False, elem_classes="progress")
    report = gradio.HTML()
    built = gradio.State("")

    def build(
        name: str, minutes: float | None, recordings: Recordings | None, is_meant: bool
    ) -> Iterator[dict[Any, Any]]:
        yield {outcome: "", report: "", lines: gradio.Textbox("", visible=False)}
        try:
            work = workshop.build(name, minutes, _accepted(recordings, is_meant))
        except LuthierError as error:
            yield {outcome: problem(error)}
            return
        yield from follow(work)

    def look_again() -> Iterator[dict[Any, Any]]:
        work = workshop.at_work()
        if work is not None:
            yield from follow(work)

    def follow(work: BuildProcess) -> Iterator[dict[Any, Any]]:
        while work.is_running:
            yield {lines: gradio.Textbox(_progress(work), visible=True), stop: gradio.Button(visible=True)}
            time.sleep(LOOK_EVERY_SECONDS)
        yield {lines: _progress(work), stop: gradio.Button(visible=False), outcome: _outcome(work)}
        if work.succeeded:
            name = work.places.output.stem
            yield {report: frame(f"/report/{name}", f"Report on {name}"), built: name}

    shown = [outcome, lines, report, stop, built]
    button.click(
        build, [name, minutes, recordings, all_the_same], shown,
        api_name="build", concurrency_limit=None, show_progress="hidden",
    )  # fmt: skip
    page.load(look_again, None, shown, api_name="look_again", concurrency_limit=None, show_progress="hidden")
    stop.click(workshop.stop, None, None, api_name="stop")
    settled = [readiness, all_the_same, button]
    recordings.change(_readiness, [recordings], settled, api_visibility="private", show_progress="hidden")
    all_the_same.input(
        lambda is_meant: gradio.Button(interactive=is_meant),
        [all_the_same], [button], api_visibility="private", show_progress="hidden",
    )  # fmt: skip
    return built


def _accepted(recordings: Recordings | None, is_meant: bool) -> Recordings:
    if recordings is None:
        raise RangeError(NOT_CHECKED)
    if not (recordings.is_usable or is_meant):
        raise RangeError(UNUSABLE)
    return recordings


def _readiness(recordings: Recordings | None) -> tuple[str, gradio.Checkbox, gradio.Button]:
    """What is said of the recordings, whether somebody has to insist, whether there is anything to build from."""
    is_usable = recordings is not None and recordings.is_usable
    is_doubtful = recordings is not None and not recordings.is_usable
    if recordings is None:
        sentence = note(NOT_CHECKED)
    elif is_usable:
        sentence = note(USABLE.format(n=len(recordings.content_hashes)), light=Light.GREEN)
    else:
        sentence = note(UNUSABLE, light=Light.RED)
    return sentence, gradio.Checkbox(value=False, visible=is_doubtful), gradio.Button(interactive=is_usable)


def _outcome(work: BuildProcess) -> str:
    name = work.places.output.stem
    if work.succeeded:
        return note(f"{name} is ready: play it on the third tab. Its file: {work.places.output}", light=Light.GREEN)
    if work.was_stopped:
        goes_on = default_run_folder(work.places.output).checkpoint.is_file()
        rest = "goes on from there" if goes_on else "begins its training anew, for nothing was learned yet"
        return note(f"{name}: stopped. Build with the same name and the same recordings {rest}.")
    return note(work.failure(), light=Light.RED)


def _progress(work: BuildProcess) -> str:
    return "\n".join([*progress_lines(work.places), f"At work for {work.clock()}."])
