from __future__ import annotations

from importlib.resources import files

import pytest

from luthier.data.audio_files import load_audio
from luthier.dsp.signals import Features
from luthier.export import onnx_cell
from luthier.inference.player import Player, load_player

SECONDS = 6


@pytest.fixture(scope="session")
def violin() -> Player:
    return load_player("violin")


@pytest.fixture(scope="session")
def violin_file(violin: Player) -> bytes:
    """Seconds of work."""
    return onnx_cell.export(violin)


@pytest.fixture(scope="session")
def measured(violin: Player) -> Features:
    """Six seconds of a real violin, 600 frames, its expression among them."""
    audio, rate = load_audio(str(files("luthier.apps") / "demo_audio" / "violin.flac"))
    return violin.measure(audio[:, : SECONDS * rate], rate)
