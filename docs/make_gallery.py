"""Draw the pictures of docs/gallery.md with the commands that stand under them: python docs/make_gallery.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
PICTURES = DOCS / "images" / "gallery"
EXAMPLES = DOCS.parent / "examples"
DRAWN = {
    "ensemble": "ensemble.png",
    "morph": "morph.png",
    "expression": "expression.png",
    "by_numbers": "tune.png",
    "notes": "notes.png",
    "rooms": "rooms.png",
}
"""Example -> the picture that it draws."""
LUTHIER = [sys.executable, "-c", "from luthier.apps.cli.main import main; main()"]
WIDTH = 900
"""Pixels: as wide as a page."""


def main() -> None:
    """Run everything, and keep the pictures small."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for example, picture in DRAWN.items():
            subprocess.run([sys.executable, EXAMPLES / f"{example}.py", folder], check=True)
            shrink(folder / picture, PICTURES / f"{example}.webp")
        with as_file(files("luthier.apps") / "demo_audio" / "voice.flac") as voice:
            transfer = ["transfer", voice, "--to", "violin", "-o", folder / "out.wav", "--plot", folder / "plot.png"]
            subprocess.run([*LUTHIER, *transfer], check=True)
        shrink(folder / "plot.png", PICTURES / "transfer.webp")


def shrink(source: Path, target: Path) -> None:
    """Write a picture as wide as a page, as WebP."""
    with Image.open(source) as picture:
        small = picture.convert("RGB").resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.LANCZOS)
        small.save(target, quality=70, method=6)


if __name__ == "__main__":
    main()
