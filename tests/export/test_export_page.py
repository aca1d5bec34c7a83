"""The page on exports says what works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import torch
from typer.testing import CliRunner

from luthier.apps.cli.main import app
from luthier.data.audio_files import load_audio
from luthier.export import onnx_cell


def test_the_page_can_be_followed_from_top_to_bottom(
    repository: Path, tmp_path: Path, monkeypatch, violin_file: bytes
) -> None:
    monkeypatch.setattr(onnx_cell, "export", lambda player: violin_file)
    monkeypatch.chdir(tmp_path)
    page = (repository / "docs/howto/export.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    luthier (export .+)", page, flags=re.MULTILINE)
    outcome = CliRunner().invoke(app, command.split())
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    (script,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert "luthier" not in script.replace('custom_metadata_map["luthier"]', "")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    audio, rate = load_audio("glide.wav")
    for seconds, f0_hz in ((0.5, 440 * 2 ** (0.5 / 3)), (2.5, 440 * 2 ** (2.5 / 3))):
        middle = audio[0, int((seconds - 0.1) * rate) : int((seconds + 0.1) * rate)]
        spectrum = torch.fft.rfft(middle * torch.hann_window(len(middle)), rate).abs()
        harmonic = [float(spectrum[round(k * f0_hz) - 40 : round(k * f0_hz) + 40].max()) for k in (1, 2)]
        between = float(spectrum[round(1.5 * f0_hz) - 40 : round(1.5 * f0_hz) + 40].max())
        assert min(harmonic) > 10 * between
