"""The third tab: sing or drop a melody, and hear an instrument play it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio

from luthier.apps.studio.look import WAVEFORM
from luthier.apps.studio.playing import play_melody
from luthier.apps.studio.words import bullets, problem
from luthier.apps.studio.workshop import Workshop
from luthier.errors import LuthierError
from luthier.inference.wishes import Wishes

PLAYER: dict[str, Any] = {"buttons": ["download"], "waveform_options": WAVEFORM}
OCTAVES: list[tuple[str, str | int]] = [
    ("automatic", "auto"),
    *((f"{octave:+d}" if octave else "as it is", octave) for octave in range(3, -4, -1)),
]
INTRODUCTION = """Sing, whistle or play **one melody**, and an instrument plays it: melody and dynamics are yours,
the sound is the instrument's."""


def play_tab(workshop: Workshop, tab: gradio.Tab, built: gradio.State) -> None:
    """Lay out the tab; the list of instruments is made anew whenever it is opened and when one was built."""
    gradio.Markdown(INTRODUCTION)
    with gradio.Row():
        with gradio.Column():
            melody = gradio.Audio(label="Melody", sources=["microphone", "upload"], type="filepath", **PLAYER)
            gradio.Examples([[str(_voice())]], [melody], label="To try it", example_labels=["a singer"])
        with gradio.Column():
            # Custom values: gradio otherwise refuses what was built after the page was laid out.
            instrument = gradio.Dropdown(list(workshop.instruments()), label="Instrument", allow_custom_value=True)
            octave = gradio.Dropdown(OCTAVES, value="auto", label="Octaves higher")
            semitones = gradio.Slider(-12, 12, value=0, step=1, label="Semitones higher, besides")
            wet = gradio.Slider(0, 1, value=1, step=0.05, label="Room (0: dry, 1: as recorded)")
            button = gradio.Button("Play it", variant="primary")
    sentences = gradio.HTML()
    sound = gradio.Audio(label="What the instrument makes of it", interactive=False, visible=False, **PLAYER)
    picture = gradio.Image(show_label=False, visible=False, format="png", buttons=["download", "fullscreen"])

    def play(
        melody: str | None, instrument: str | None, octave: str | int, semitones: float, wet: float
    ) -> Iterator[dict[Any, Any]]:
        yield {sentences: "", sound: gradio.Audio(None, visible=False), picture: gradio.Image(None, visible=False)}
        try:
            wishes = Wishes(octave=octave, semitones=semitones)
            played = play_melody(workshop, melody, instrument, wishes, wet)
        except LuthierError as error:
            yield {sentences: problem(error)}
            return
        yield {
            sentences: bullets(played.sentences),
            sound: gradio.Audio(str(played.sound), visible=True),
            picture: gradio.Image(str(played.picture), visible=True),
        }

    button.click(
        play,
        [melody, instrument, octave, semitones, wet],
        [sentences, sound, picture],
        api_name="play",
        show_progress_on=sentences,
    )
    quietly: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    tab.select(lambda: gradio.Dropdown(list(workshop.instruments())), None, [instrument], **quietly)
    built.change(
        lambda name: gradio.Dropdown(list(workshop.instruments()), value=name), [built], [instrument], **quietly
    )


def _voice() -> Path:
    return Path(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
