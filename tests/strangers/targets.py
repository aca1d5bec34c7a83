"""What reads files from strangers, as functions of (seed) to damage and read: only our own errors may come out."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import SAMPLES
from data.known_material import build_dataset
from luthier.data.array_files import map_array
from luthier.data.containers import check_complete
from luthier.data.dataset import Dataset
from luthier.data.dataset_formats import read_manifest
from luthier.data.manifest import MANIFEST_NAME
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Expression
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
from luthier.model.instrument_formats import Content, upgrade
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


def _old_instrument() -> bytes:
    return (SAMPLES / "instrument_format_1.safetensors").read_bytes()


def _instrument_header(folder: Path) -> Target:
    heads = [_split(whole)[0] for whole in (_saved_instrument(folder), _old_instrument())]
    texts, path = [head["__metadata__"][HEADER_KEY] for head in heads], Path("stranger.safetensors")

    def read(given: str) -> None:
        header, _ = upgrade(Content(checked_header(path, given), {}))
        parse_config(path, header)
        parse_summary(path, header)

    def target(generator: random.Random) -> bool:
        text = generator.choice(texts)
        if generator.random() < 0.5:
            given = damaged_table(json.loads(text), generator)
        else:
            given = damaged_bytes(text.encode(), generator).decode("utf-8", "replace")
        return _is_refused(lambda: read(given))

    return target


def _instrument_file(folder: Path) -> Target:
    contents, path = (_saved_instrument(folder), _old_instrument()), folder / "stranger.safetensors"

    def damaged(generator: random.Random) -> bytes:
        content = generator.choice(contents)
        head, weights = _split(content)
        inner = json.loads(head["__metadata__"][HEADER_KEY])
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


def _old_dataset(folder: Path, name: str) -> Path:
    """The same in format 1, which knew no expression."""
    place = _small_dataset(folder, name)
    for path in place.iterdir():
        if path.name.split(".")[1] in Expression._fields:
            path.unlink()
    table = json.loads((place / MANIFEST_NAME).read_text(encoding="utf-8"))
    del table["statistics"]["expression"]
    (place / MANIFEST_NAME).write_text(json.dumps(table | {"format_version": 1}), encoding="utf-8")
    return place


def _damaged_manifest(content: bytes, generator: random.Random) -> bytes:
    if generator.random() < 0.5:
        return damaged_table(json.loads(content), generator).encode("utf-8", "surrogatepass")
    return damaged_bytes(content, generator)


def _manifest(folder: Path) -> Target:
    places = _small_dataset(folder, "manifest"), _old_dataset(folder, "old manifest")
    contents = {place: (place / MANIFEST_NAME).read_bytes() for place in places}

    def target(generator: random.Random) -> bool:
        place = generator.choice(places)
        (place / MANIFEST_NAME).write_bytes(_damaged_manifest(contents[place], generator))
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
    places = _small_dataset(folder, "dataset"), _old_dataset(folder, "old dataset")
    files = {place: {path: path.read_bytes() for path in sorted(place.iterdir())} for place in places}

    def read(place: Path) -> None:
        dataset = Dataset.open(place)
        for block in dataset.blocks("train"):
            dataset.window(block.recording, block.start_frame, min(block.n_frames, 1000))

    def target(generator: random.Random) -> bool:
        place = generator.choice(places)
        path = generator.choice(list(files[place]))
        whole, is_manifest = files[place][path], path.name == MANIFEST_NAME
        path.write_bytes(_damaged_manifest(whole, generator) if is_manifest else damaged_bytes(whole, generator))
        if generator.random() < 0.1:
            path.unlink()
        try:
            return _is_refused(lambda: read(place))
        finally:
            for each in (path, place / MANIFEST_NAME):  # an old one that was whole enough has become a new one
                each.write_bytes(files[place][each])

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
