"""Sound that is too long for memory: decoded and resampled piece by piece into a file, read from there piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soxr
from scipy.signal import lfilter, lfilter_zi

from luthier.data.array_files import map_array, write_array
from luthier.data.audio_files import audio_info, read_blocks
from luthier.data.process import give_freed_memory_back
from luthier.features.long_audio import LongAudio

OFFSET_HZ = 5.0
"""Corner of the filter that takes an offset out of recordings."""
BLOCK_SAMPLES = 1 << 20


@contextmanager
def decoded_audio(path: Path, sample_rate: int) -> Iterator[LongAudio]:
    """Decode a sound file of any length to one channel at a sample rate, in a temporary file while it is needed.

    The file takes 4 bytes a sample where temporary files go (`TMPDIR`).

    Args:
        path: any format that `load_audio` reads.
        sample_rate: Hz wanted.

    Raises:
        AudioFileError, MissingExtraError: as `load_audio`.
    """
    give_freed_memory_back()
    source_rate = audio_info(path).sample_rate
    with TemporaryDirectory(prefix="luthier-") as folder:
        array = Path(folder) / "audio.npy"
        n_samples = write_array(array, resampled_blocks(read_blocks(path), source_rate, sample_rate))
        yield stored_audio(array, n_samples)


def stored_audio(path: Path, n_samples: int) -> LongAudio:
    """Audio in an array file, read piece by piece: what is read stays in memory no longer than the piece."""
    return LongAudio(lambda start, stop: map_array(path, n_samples)[start:stop].clone().unsqueeze(0), n_samples)


def resampled_blocks(blocks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """Change the sample rate block by block; the same samples as `dsp.resampling.resample` at once.

    Args:
        blocks: (n,) float32 each.
        from_rate: Hz.
        to_rate: Hz.

    Yields:
        Blocks of ceil(n_samples * to_rate / from_rate) samples in all.
    """
    if from_rate == to_rate:
        yield from blocks
        return
    converter = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="VHQ")
    n_in = n_out = 0
    for block in blocks:
        converted = converter.resample_chunk(block)
        n_in, n_out = n_in + len(block), n_out + len(converted)
        yield converted
    # The converter rounds the last sample either way: cut or fill up to the exact length.
    missing = -(-n_in * to_rate // from_rate) - n_out
    last = converter.resample_chunk(np.zeros(0, dtype=np.float32), last=True)[:missing]
    yield np.pad(last, (0, missing - len(last)))


def without_offset(audio: LongAudio, sample_rate: int) -> Iterator[np.ndarray]:
    """Take the offset of a converter (0 Hz) out of one row of audio, piece by piece.

    A filter instead of the mean, which would put an offset into digital silence; at 41 Hz it leaves 99.3 %.

    Yields:
        Blocks of as many samples in all.
    """
    pole = np.exp(-2.0 * np.pi * OFFSET_HZ / sample_rate)
    numerator, denominator = [0.5 * (1.0 + pole), -0.5 * (1.0 + pole)], [1.0, -pole]
    state = None
    for start in range(0, audio.n_samples, BLOCK_SAMPLES):
        block = audio.read(start, min(start + BLOCK_SAMPLES, audio.n_samples))[0].numpy()
        if state is None:
            state = lfilter_zi(numerator, denominator) * block.mean()
        filtered, state = lfilter(numerator, denominator, block, zi=state)
        yield filtered.astype(np.float32)
