from __future__ import annotations

import importlib.util
import resource
import sys
from pathlib import Path

import pytest

from luthier.data.audio_files import load_audio
from luthier.export import onnx_cell
from luthier.inference.player import Player, load_player

CONTENT = b"an instrument"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without the seconds that a real export takes."""
    monkeypatch.setattr(onnx_cell, "export", lambda player: CONTENT)


@pytest.mark.usefixtures("quick")
def test_the_room_is_written_beside_it(luthier_command, tmp_path: Path) -> None:
    output = tmp_path / "new" / "fiddle.onnx"
    outcome = luthier_command("export", "violin", "--to", "onnx", "-o", output, "--json")
    room = tmp_path / "new" / "fiddle.room.wav"
    assert outcome.json == {"output": str(output), "format": "onnx", "files": [str(output), str(room)]}
    assert output.read_bytes() == CONTENT
    audio, rate = load_audio(room)
    player = load_player("violin")
    assert rate == player.sample_rate
    assert (audio[0] - player.room()).abs().max() < 1e-6  # 24 bits
    plain = luthier_command("export", "violin", "--to", "onnx", "-o", output, "--force")
    assert plain.stdout.splitlines() == [str(output), str(room)]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["a.onnx", "a.room.wav"])
def test_neither_file_is_replaced_without_force(luthier_command, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    outcome = luthier_command("export", "violin", "--to", "onnx", "-o", tmp_path / "a.onnx")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"luthier: {tmp_path / name}: exists already.")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
    assert luthier_command("export", "violin", "--to", "onnx", "-o", tmp_path / "a.onnx", "--force").code == 0
    assert (tmp_path / name).read_bytes() != b"old"


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("violin", "--to", "onyx", "-o", "a.onnx"), 2, "expected one of onnx"),
        (("violin", "--to", "onnx", "-o", "a.tflite"), 1, ".onnx"),
        (("violin", "--to", "onnx", "-o", "a"), 1, ".onnx"),
        (("fiddle", "--to", "onnx", "-o", "a.onnx"), 1, "no instrument of this name"),
        (("no.safetensors", "--to", "onnx", "-o", "a.onnx"), 1, "no.safetensors: no such file"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(
    luthier_command, tmp_path: Path, monkeypatch, arguments, code, named
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = luthier_command("export", *arguments)
    assert outcome.code == code
    assert named in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_one_line_with_what_installs_it(luthier_command, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    outcome = luthier_command("export", "violin", "--to", "onnx", "-o", tmp_path / "a.onnx")
    assert (outcome.code, outcome.stderr) == (
        1,
        "luthier: ONNX files need an extra. Run: pip install 'luthier[onnx]'\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize("limit", [4, 1000])
def test_a_full_disk_is_one_line_and_leaves_the_old_files(
    luthier_command, tmp_path: Path, monkeypatch, limit: int
) -> None:
    """No room for the first of the two files, or for the second."""
    output, room = tmp_path / "a.onnx", tmp_path / "a.room.wav"
    output.write_bytes(b"old")
    room.write_bytes(b"old room")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(player: Player) -> bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        return CONTENT

    monkeypatch.setattr(onnx_cell, "export", fill_the_disk)
    try:
        outcome = luthier_command("export", "violin", "--to", "onnx", "-o", output, "--force")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.code == 1
    assert outcome.stderr.startswith(f"luthier: {output if limit < len(CONTENT) else room}: cannot be written")
    assert outcome.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.onnx": b"old",
        "a.room.wav": b"old room",
    }
