"""Cut-short files found by their headers: libsndfile itself silently reads what is left."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from luthier.errors import AudioFileError

STREAMED_SIZE = 0x7FFFF000
"""Sizes from here on are what programs write that do not know the length (pipes)."""
MAX_CHUNKS = 10_000
"""More chunks than any real file has: a damaged file must not keep us busy."""
OGG_PAGE_MAX = 65_307
"""Largest Ogg page in bytes (RFC 3533)."""
OGG_LAST_PAGE = 4
"""Header flag of the page that ends a stream (RFC 3533)."""
MP3_HEADER_BYTES = 4096
"""An MP3's length note (Xing or Info) lies in its first frame."""


class Extent(NamedTuple):
    """Where the sound lies in a file, in bytes; size None where the header does not say."""

    start: int
    size: int | None


def check_complete(path: Path) -> None:
    """Compare the length that a header declares with the length of the file.

    WAV, RF64, AIFF, AU and Ogg are covered here; FLAC and MP3 show it when decoded.

    Raises:
        AudioFileError: the file ends before its sound does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(4)
        if magic == b"OggS":
            complete = _ogg_is_complete(file, size)
        else:
            extent = _EXTENTS.get(magic, _unknown_extent)(file)
            complete = extent.size is None or extent.start + extent.size <= size
    if not complete:
        raise AudioFileError(f"{path}: cut short, the file ends before its sound does. Copy or export it again.")


def has_mp3_length_note(path: Path) -> bool:
    """Whether an MP3 states its length (Xing or Info) in its first frame, behind the ID3 tag."""
    with path.open("rb") as file:
        file.seek(_id3_size(file.read(10)))
        head = file.read(MP3_HEADER_BYTES)
    return b"Xing" in head or b"Info" in head


def _id3_size(head: bytes) -> int:
    """Bytes of the tag before the first MP3 frame (ID3v2, section 3.1: 7 bits a byte)."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _unknown_extent(file: BinaryIO) -> Extent:
    return Extent(0, None)


def _riff_extent(file: BinaryIO) -> Extent:
    return _find_chunk(file, b"data", "<")


def _aiff_extent(file: BinaryIO) -> Extent:
    return _find_chunk(file, b"SSND", ">")


def _find_chunk(file: BinaryIO, wanted: bytes, order: str) -> Extent:
    """Walk the chunks (name, size, content padded to even) from byte 12 to the wanted one."""
    size_64 = None
    position = 12
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        if name == b"ds64":
            size_64 = _data_size_64(file.read(16))
        if name == wanted:
            return Extent(position + 8, size_64 if size_64 is not None else _stated(size))
        position += 8 + size + size % 2
    return Extent(0, None)


def _data_size_64(content: bytes) -> int | None:
    return struct.unpack("<Q", content[8:16])[0] if len(content) == 16 else None


def _au_extent(file: BinaryIO) -> Extent:
    head = file.read(8)
    if len(head) < 8:
        return Extent(0, None)
    start, size = struct.unpack(">II", head)
    return Extent(start, _stated(size))


def _stated(size: int) -> int | None:
    return None if size >= STREAMED_SIZE else size


def _ogg_is_complete(file: BinaryIO, size: int) -> bool:
    """The last page is whole and says that it is the last."""
    start = max(0, size - OGG_PAGE_MAX)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return False
    n_segments = tail[page + 26]
    content = sum(tail[page + 27 : page + 27 + n_segments])
    is_whole = len(tail) >= page + 27 + n_segments + content
    return is_whole and bool(tail[page + 5] & OGG_LAST_PAGE)


_EXTENTS: dict[bytes, Callable[[BinaryIO], Extent]] = {
    b"RIFF": _riff_extent,
    b"RF64": _riff_extent,
    b"FORM": _aiff_extent,
    b".snd": _au_extent,
}
