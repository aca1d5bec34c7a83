"""Sound that libsndfile cannot read (m4a and its kin), through PyAV, the extra `m4a`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from luthier.errors import AudioFileError, MissingExtraError

SUFFIXES = frozenset({".m4a", ".mp4", ".m4b", ".aac", ".mov", ".webm", ".mka", ".wma", ".ac3", ".3gp"})


def is_needed(path: Path) -> bool:
    """Whether a file is of a kind that only PyAV reads, judged by its name or its first bytes."""
    if path.suffix.lower() in SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def info(path: Path) -> tuple[int, int | None, int, str]:
    """Sample rate in Hz, declared length (None where it is an estimate), channels, encoding.

    Raises:
        AudioFileError: no readable sound in the file.
        MissingExtraError: PyAV is not installed.
    """
    av = _import_av(path)
    with _open(av, path) as container:
        stream = container.streams.audio[0]
        is_exact = "mp4" in container.format.name and stream.duration is not None
        n_samples = int(stream.duration * stream.time_base * stream.rate) if is_exact else None
        return stream.rate, n_samples, stream.channels, f"{container.format.name} {stream.codec_context.name}"


def read_blocks(path: Path) -> Iterator[np.ndarray]:
    """Decode the first sound track block by block.

    Yields:
        (n,) float32, the mean of all channels.

    Raises:
        AudioFileError: no readable sound in the file, or damage in it.
        MissingExtraError: PyAV is not installed.
    """
    av = _import_av(path)
    with _open(av, path) as container:
        stream = container.streams.audio[0]
        converter = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
        try:
            for frame in container.decode(stream):
                yield from _mono(converter.resample(frame))
            yield from _mono(converter.resample(None))
        except av.FFmpegError as error:
            raise AudioFileError(f"{path}: damaged or cut short ({error.strerror}). Export it again.") from error


def _mono(frames: list[Any]) -> Iterator[np.ndarray]:
    for frame in frames:
        yield frame.to_ndarray().mean(axis=0, dtype=np.float32)


def _open(av: ModuleType, path: Path) -> Any:
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise AudioFileError(f"{path}: not a sound file that can be read ({error.strerror}).") from error
    if not container.streams.audio:
        container.close()
        raise AudioFileError(f"{path}: holds no sound track.")
    return container


def _import_av(path: Path) -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            f"{path}: this format needs an extra. Run: pip install 'luthier[m4a]' (or convert the file to WAV)."
        ) from error
    return av
