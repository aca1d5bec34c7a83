"""What reads files from strangers, as functions of (seed) to damage and read: only our own errors may come out."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.known_material import build_dataset
from luthier.data.array_files import map_array
from luthier.data.containers import check_complete
from luthier.data.dataset import Dataset
from luthier.data.manifest import MANIFEST_NAME, read_manifest
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import LuthierError
from luthier.model.instrument_file import (
    HEADER_KEY,
    TrainingSummary,
    checked_header,
    load_instrument,
    parse_config,
    parse_summary,
    save_instrument,
)
from model.small import small_instrument
from strangers.mutations import damaged_bytes, damaged_table

LONGEST_MESSAGE = 2000
Target = Callable[[random.Random], bool]
"""Damage something and read it; whether it was refused, always with our own error."""


def make_targets(folder: Path) -> dict[str, Target]:
    """All targets by name; they work in a folder of theirs."""
    return {
        "instrument header": _instrument_header(folder),
        "instrument file": _instrument_file(folder),
        "manifest": _manifest(folder),
        "array": _array(folder),
        "dataset": _dataset(folder),
        "sound container": _container(folder),
    }


def _is_refused(read: Callable[[], object]) -> bool:
    message = ""
    try:
        read()
    except LuthierError as error:
        message = str(error)
    assert "\n" not in message, "a message is one line"
    assert len(message) < LONGEST_MESSAGE
    return message != ""


def _saved_instrument(folder: Path) -> bytes:
    path = folder / "whole.safetensors"
    save_instrument(path, small_instrument(), TrainingSummary(licence="CC0", scores={"mss": 5.5}), force=True)
    return path.read_bytes()


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def _instrument_header(folder: Path) -> Target:
    head, _ = _split(_saved_instrument(folder))
    text = head["__metadata__"][HEADER_KEY]
    table, content, path = json.loads(text), text.encode(), Path("stranger.safetensors")

    def read(given: str) -> None:
        header = checked_header(path, given)
        parse_config(path, header)
        parse_summary(path, header)

    def target(generator: random.Random) -> bool:
        if generator.random() < 0.5:
            given = damaged_table(table, generator)
        else:
            given = damaged_bytes(content, generator).decode("utf-8", "replace")
        return _is_refused(lambda: read(given))

    return target


def _instrument_file(folder: Path) -> Target:
    content, path = _saved_instrument(folder), folder / "stranger.safetensors"
    head, weights = _split(content)
    inner = json.loads(head["__metadata__"][HEADER_KEY])

    def damaged(generator: random.Random) -> bytes:
        if generator.random() < 0.4:
            return damaged_bytes(content, generator, n_first=len(content) - len(weights))
        changed = head
        if generator.random() < 0.5:
            changed = head | {"__metadata__": {HEADER_KEY: damaged_table(inner, generator)}}
            text = json.dumps(changed).encode()
        else:
            text = damaged_table(changed, generator).encode()
        length = len(text) if generator.random() < 0.9 else generator.choice((0, 1, 2**32, 2**63, len(text) + 1))
        return struct.pack("<Q", length) + text + weights[: None if generator.random() < 0.9 else 100]

    def target(generator: random.Random) -> bool:
        path.write_bytes(damaged(generator))
        return _is_refused(lambda: load_instrument(path))

    return target


def _small_dataset(folder: Path, name: str) -> Path:
    return build_dataset(folder / name, [300, 500], FeatureDefinition(hop_length=10), [(0, 0, 20), (1, 5, 30)]).path


def _damaged_manifest(table: dict[str, Any], content: bytes, generator: random.Random) -> bytes:
    if generator.random() < 0.5:
        return damaged_table(table, generator).encode("utf-8", "surrogatepass")
    return damaged_bytes(content, generator)


def _manifest(folder: Path) -> Target:
    place = _small_dataset(folder, "manifest")
    path = place / MANIFEST_NAME
    content = path.read_bytes()
    table = json.loads(content)

    def target(generator: random.Random) -> bool:
        path.write_bytes(_damaged_manifest(table, content, generator))
        return _is_refused(lambda: read_manifest(place))

    return target


def _array(folder: Path) -> Target:
    path = _small_dataset(folder, "array") / "0000000000000000.audio.npy"
    content = path.read_bytes()

    def target(generator: random.Random) -> bool:
        path.write_bytes(damaged_bytes(content, generator, n_first=128))
        return _is_refused(lambda: map_array(path, 300).sum())

    return target


def _dataset(folder: Path) -> Target:
    place = _small_dataset(folder, "dataset")
    files = {path: path.read_bytes() for path in sorted(place.iterdir())}
    table = json.loads(files[place / MANIFEST_NAME])

    def read() -> None:
        dataset = Dataset.open(place)
        for block in dataset.blocks("train"):
            dataset.window(block.recording, block.start_frame, min(block.n_frames, 1000))

    def target(generator: random.Random) -> bool:
        path = generator.choice(list(files))
        is_manifest = path.name == MANIFEST_NAME
        path.write_bytes(
            _damaged_manifest(table, files[path], generator) if is_manifest else damaged_bytes(files[path], generator)
        )
        if generator.random() < 0.1:
            path.unlink()
        try:
            return _is_refused(read)
        finally:
            path.write_bytes(files[path])

    return target


def _container(folder: Path) -> Target:
    path = folder / "sound"
    heads = (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + bytes(16) + b"data\x40\0\0\0", b"FORM\0\0\0\0AIFFSSND\0\0\0\x40",
             b".snd\0\0\0\x18\0\0\0\x40" + bytes(12), b"OggS\0\x04" + bytes(20) + b"\x02\x20\x20",
             b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0" + bytes(28) + b"data\xff\xff\xff\xff")  # fmt: skip

    def target(generator: random.Random) -> bool:
        path.write_bytes(damaged_bytes(generator.choice(heads) + bytes(64), generator, n_first=48))
        return _is_refused(lambda: check_complete(path))

    return target
