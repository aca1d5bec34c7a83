from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.known_material import write_tone
from luthier.data.containers import check_complete, has_mp3_length_note
from luthier.errors import AudioFileError


def with_data_size(path: Path, size: int) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(content)


def test_a_data_chunk_longer_than_the_file_is_found(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav")
    check_complete(path)
    with_data_size(path, 32002)
    with pytest.raises(AudioFileError, match="cut short"):
        check_complete(path)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0])
def test_sizes_of_programs_that_do_not_know_the_length_are_accepted(tmp_path: Path, size: int) -> None:
    path = write_tone(tmp_path / "piped.wav")
    with_data_size(path, size)
    check_complete(path)


def test_64_bit_sizes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.rf64"
    head = b"RF64\xff\xff\xff\xffWAVE" + b"ds64" + struct.pack("<IQQQI", 28, 0, 100, 50, 0)
    path.write_bytes(head + b"data\xff\xff\xff\xff" + bytes(100))
    check_complete(path)
    path.write_bytes(head + b"data\xff\xff\xff\xff" + bytes(99))
    with pytest.raises(AudioFileError, match="cut short"):
        check_complete(path)


def test_chunks_before_the_sound_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + b"LIST\3\0\0\0abc\0" + b"data\4\0\0\0" + bytes(3))
    with pytest.raises(AudioFileError, match="cut short"):
        check_complete(path)


def test_an_ogg_file_without_its_last_page_is_found(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.ogg", seconds=3.0)
    check_complete(path)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"OggS")])  # ends exactly at a page: nothing is torn
    with pytest.raises(AudioFileError, match="cut short"):
        check_complete(path)


def test_the_length_note_is_found_behind_a_tag(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.mp3")
    assert has_mp3_length_note(path)
    tag = b"ID3\4\0\0\0\0\x40\0" + bytes(0x40 << 7)
    path.write_bytes(tag + path.read_bytes())
    assert has_mp3_length_note(path)
    path.write_bytes(path.read_bytes().replace(b"Xing", b"nope").replace(b"Info", b"nope"))
    assert not has_mp3_length_note(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(magic=st.sampled_from([b"RIFF", b"RF64", b"FORM", b".snd", b"OggS", b""]), content=st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_our_error(tmp_path: Path, magic: bytes, content: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(magic + content)
    with suppress(AudioFileError):
        check_complete(path)
