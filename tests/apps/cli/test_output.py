from __future__ import annotations

import io
import json
import shlex
import sys
from pathlib import Path

import pytest

from luthier.apps.cli.output import print_json, print_table, say_next


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_names_that_the_terminal_has_no_letters_for_are_printed_all_the_same(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", file)
    print_json({"name": "🎻 \udcff.wav"})
    print_table(("name", "why"), [("🎻 \udcff.wav", "none")])
    file.flush()
    text = file.buffer.getvalue().decode(encoding)
    assert "\\udcff.wav" in text
    assert text.count(".wav") == 2


def test_json_keeps_what_the_terminal_can_show(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "ünï 🎻"})
    text = capsys.readouterr().out
    assert "ünï 🎻" in text
    assert json.loads(text) == {"name": "ünï 🎻"}


def test_a_name_cannot_break_a_table_or_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "why"), [("a\nb\x1b[31m.wav", "none")])
    assert capsys.readouterr().out.splitlines()[1] == "a?b?[31m.wav  none"


def test_the_command_that_follows_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    say_next("train", Path("dü 1"), "-o", "it's.safetensors")
    _, command = capsys.readouterr().err.strip().split("Next: ")
    assert shlex.split(command) == ["luthier", "train", "dü 1", "-o", "it's.safetensors"]
