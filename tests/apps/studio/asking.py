"""What a visitor does on the page, by its names."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from urllib.request import urlopen

from gradio_client import Client, handle_file

VOICE = Path(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
VIOLIN = "violin (in the box)"


def fetch(address: str) -> tuple[str, dict[str, str]]:
    with urlopen(address) as answer:
        return answer.read().decode(), dict(answer.headers)


def check(client: Client, *paths: Path) -> tuple[str, str]:
    """The summary, and the frame with the page of pictures."""
    summary, page = client.predict([handle_file(path) for path in paths], api_name="/check")
    return summary, page


def play(client: Client, melody: Path, instrument: str, octave: str | int = "auto", wet: float = 1.0):
    return client.predict(handle_file(melody), instrument, octave, 0, wet, api_name="/play")
