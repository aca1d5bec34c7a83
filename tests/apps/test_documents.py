"""What the documents show works, and what is generated is fresh."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.dsp.signals import Controls, Features

DOCUMENTS = ["README.md", "docs/start/first-instrument.md", "docs/howto/transfer.md"]


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_python_shown_runs(document, repository: Path, tmp_path: Path, tone_file, instrument_file) -> None:
    shutil.copy(tone_file, tmp_path / "voice.wav")
    shutil.copy(instrument_file, tmp_path / "violin.safetensors")
    (block,) = python_blocks((repository / document).read_text(encoding="utf-8"))
    result = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "voice-as-violin.wav").stat().st_size > 1000


def test_the_analysis_shown_draws_its_picture(repository: Path, tmp_path: Path, tone_file) -> None:
    shutil.copy(tone_file, tmp_path / "voice.wav")
    (block,) = python_blocks((repository / "docs/how-it-works/analysis.md").read_text(encoding="utf-8"))
    result = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "controls.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_of_the_command_line_is_fresh(repository: Path) -> None:
    specification = importlib.util.spec_from_file_location("make_reference", repository / "docs" / "make_reference.py")
    assert specification is not None
    assert specification.loader is not None
    make_reference = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make_reference)
    assert make_reference.PAGE.read_text(encoding="utf-8") == make_reference.page(), "stale: run make docs"


def test_the_glossary_has_every_feature_and_control(repository: Path) -> None:
    glossary = (repository / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
    for field in {*Features._fields, *Controls._fields}:
        assert f"| `{field}` |" in glossary


def test_every_link_leads_somewhere(repository: Path) -> None:
    pages = [repository / "README.md", *(repository / "docs").rglob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert [line for line in missing if not line.endswith("docs/images/demo.png")] == []


def test_readme_names_both_commands(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
