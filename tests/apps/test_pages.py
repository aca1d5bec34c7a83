"""The pages on playing say what works: their Python runs, their pictures and commands exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from luthier.model.bundled import bundled_names

LARGEST_PICTURE_BYTES = 100_000


def test_the_python_on_the_page_runs_from_top_to_bottom(repository: Path, tmp_path: Path, tone_file) -> None:
    shutil.copy(tone_file, tmp_path / "voice.wav")
    text = (repository / "docs/howto/python.md").read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"voice-as-violin.wav", "violin-room.wav", "curves.csv", "notes.mid", "before-and-after.png"}


def test_the_gallery_shows_small_pictures_and_the_commands_that_made_them(repository: Path) -> None:
    page = (repository / "docs/gallery.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[.+\]\((images/gallery/.+?)\)", page)
    assert {Path(picture).name for picture in pictures} == {
        path.name for path in (repository / "docs/images/gallery").iterdir()
    }
    assert all((repository / "docs" / picture).stat().st_size < LARGEST_PICTURE_BYTES for picture in pictures)
    commands = re.findall(r"^    (?:python (\S+)|luthier transfer (\S+))", page, flags=re.MULTILINE)
    assert len(commands) == len(pictures)
    assert all((repository / (example or recording)).is_file() for example, recording in commands)


def test_the_page_of_the_box_names_every_instrument_at_16_khz(repository: Path) -> None:
    page = (repository / "docs/howto/instruments.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in bundled_names() if not name.endswith("-studio"))
