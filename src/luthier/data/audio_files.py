"""Sound files: read any of them as one channel, write WAV and FLAC that every player opens."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import numpy as np
import soundfile
import torch
from torch import Tensor

from luthier.atomic import atomic_file
from luthier.data import compressed_files
from luthier.data.containers import check_complete, has_mp3_length_note
from luthier.data.sound_file_paths import native_path
from luthier.dsp.resampling import resample
from luthier.errors import AudioFileError, OutputError, RangeError, ShapeError

logger = logging.getLogger(__name__)

BLOCK_SAMPLES = 1 << 16
"""Samples per channel decoded at a time: a file of any length needs the same memory."""
UNKNOWN_LENGTH = 1 << 40
"""Lengths beyond this stand for "not stated" (streamed FLAC)."""
LOSSY_SLACK_SAMPLES = 3 * 1152
"""Three MP3 frames: decoders of MP3 and AAC differ by that much in what they cut at the ends."""
WRITABLE = {".wav": "WAV", ".flac": "FLAC"}
SUBTYPE = "PCM_24"
"""24 bits: 144 dB, and every player opens it."""
FLAC_CHANNELS = 8


class AudioInfo(NamedTuple):
    """What the header of a sound file says.

    Attributes:
        sample_rate: Hz.
        n_samples: samples per channel as declared; None where the file does not say.
        n_channels: number of channels.
        encoding: container and sample format, for people: "WAV PCM_24".
    """

    sample_rate: int
    n_samples: int | None
    n_channels: int
    encoding: str


def audio_info(path: str | Path) -> AudioInfo:
    """Read the header of a sound file, without decoding it.

    Raises:
        AudioFileError: the file is missing, a folder, no sound file, or shorter than its header says.
        MissingExtraError: the format needs the extra `m4a`.
    """
    path = Path(path)
    check_readable(path)
    if compressed_files.is_needed(path):
        return AudioInfo(*compressed_files.info(path))
    with open_audio(path) as file:
        return _info(file)


def load_audio(path: str | Path, sample_rate: int | None = None) -> tuple[Tensor, int]:
    """Read a whole sound file as one channel, the mean of all channels.

    Args:
        path: any format that libsndfile reads; m4a and its kin with the extra `m4a`.
        sample_rate: Hz wanted; None keeps the file's own.

    Returns:
        audio (1, n_samples), float32, and its sample rate in Hz.

    Raises:
        AudioFileError: the file is missing, no sound file, damaged, cut short, empty, or holds NaN or infinity.
        MissingExtraError: the format needs the extra `m4a`.
    """
    path = Path(path)
    source_rate = audio_info(path).sample_rate
    audio = torch.from_numpy(np.concatenate(list(read_blocks(path)))).unsqueeze(0)
    if sample_rate is None:
        return audio, source_rate
    return resample(audio, source_rate, sample_rate), sample_rate


def read_blocks(path: str | Path) -> Iterator[np.ndarray]:
    """Decode a sound file block by block, so that its length does not matter.

    Yields:
        (up to `BLOCK_SAMPLES`,) float32, the mean of all channels, all finite.

    Raises:
        AudioFileError: as `load_audio`; a damaged file raises after the blocks before the damage.
        MissingExtraError: the format needs the extra `m4a`.
    """
    path = Path(path)
    check_readable(path)
    if compressed_files.is_needed(path):
        blocks, info = compressed_files.read_blocks(path), AudioInfo(*compressed_files.info(path))
    else:
        with open_audio(path) as file:
            info = _info(file)
        blocks = _decode(path, info.sample_rate)
    n_samples = 0
    for block in blocks:
        _check_finite(block, path, n_samples, info.sample_rate)
        yield block
        n_samples += len(block)
    _check_length(path, info, n_samples)


def check_readable(path: Path) -> None:
    """Stop at what is no file at all, or shorter than its own header says.

    Raises:
        AudioFileError: missing, a folder, unreadable, empty or cut short.
    """
    try:
        if path.is_dir():
            raise AudioFileError(f"{path}: is a folder. Give a sound file.")
        if not path.exists():
            raise AudioFileError(f"{path}: no such file. Check the name.")
        if not path.is_file():
            raise AudioFileError(f"{path}: is no ordinary file. Give a sound file.")
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path}: is empty (0 bytes). Copy or record it again.")
        check_complete(path)
    except OSError as error:
        raise AudioFileError(f"{path}: cannot be read ({error.strerror or error}). Check its rights.") from error


def save_audio(path: str | Path, audio: Tensor, sample_rate: int, *, force: bool = False) -> float:
    """Write one channel as 24-bit WAV or FLAC, turned down where it would clip.

    Args:
        path: ends in .wav or .flac.
        audio: (1, n_samples) or (n_samples,), full scale is 1.
        sample_rate: Hz.
        force: replace an existing file.

    Returns:
        The gain that was applied: 1.0, or less where samples exceeded full scale (also logged).

    Raises:
        OutputError: wrong suffix, the file exists, or the place cannot be written to.
        ShapeError: more than one channel.
        RangeError: NaN or infinity in the audio.
    """
    with audio_writer(path, sample_rate, force=force) as writer:
        writer.write(audio)
    return writer.gain


class AudioWriter:
    """A sound on its way into a file, block by block.

    Attributes:
        level: factor that is wanted for the whole sound; may be set until the file is closed.
        peak: the largest sample so far, without the factor.
        gain: what is applied to the whole sound; known after the last block.
    """

    def __init__(self, floats: IO[bytes], n_channels: int = 1) -> None:
        self.level, self.peak = 1.0, 0.0
        self._floats, self._n_channels = floats, n_channels

    @property
    def gain(self) -> float:
        """The level wanted, or less where samples would exceed full scale."""
        return min(self.level, 1.0 / self.peak) if self.peak > 0 else self.level

    def write(self, audio: Tensor) -> None:
        """Add a block: (n_channels, n_samples), or (n_samples,) for one channel.

        Raises:
            ShapeError: another number of channels.
            RangeError: NaN or infinity in the audio.
        """
        samples = _interleaved(audio, self._n_channels)
        peak = float(np.abs(samples).max(initial=0.0))
        if not np.isfinite(peak):
            raise RangeError("audio: holds NaN or infinity and cannot be written as sound.")
        self.peak = max(self.peak, peak)
        self._floats.write(samples.tobytes())

    def turned_down(self) -> Iterator[np.ndarray]:
        """All that was written, with the gain, in blocks of (n_samples, n_channels)."""
        self._floats.seek(0)
        while content := self._floats.read(4 * BLOCK_SAMPLES * self._n_channels):
            yield np.frombuffer(content, dtype=np.float32).reshape(-1, self._n_channels) * np.float32(self.gain)


@contextmanager
def audio_writer(
    path: str | Path, sample_rate: int, *, n_channels: int = 1, force: bool = False
) -> Iterator[AudioWriter]:
    """Write a sound of any length as 24-bit WAV or FLAC, block by block; turned down as a whole where it would clip.

    Until the last block says how loud it is, the sound waits as floats in an unnamed file beside the output.

    Args:
        path: ends in .wav or .flac.
        sample_rate: Hz.
        n_channels: channels of the sound.
        force: replace an existing file.

    Raises:
        OutputError: wrong suffix, the file exists, or the place cannot be written to.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise OutputError(f"{path}: sound is written as {' or '.join(WRITABLE)}. Change the end of the name.")
    if path.suffix.lower() == ".flac" and n_channels > FLAC_CHANNELS:
        raise OutputError(f"{path}: FLAC holds at most {FLAC_CHANNELS} channels, not {n_channels}. Write a .wav file.")
    with atomic_file(path, force=force) as temporary, TemporaryFile(dir=temporary.parent) as floats:
        writer = AudioWriter(floats, n_channels)
        yield writer
        if writer.gain < writer.level:
            part = writer.gain / writer.level
            logger.warning("%s: peaks above full scale, turned down to %.3f of its level.", path, part)
        _write(temporary, writer.turned_down(), (sample_rate, n_channels), WRITABLE[path.suffix.lower()])


def _interleaved(audio: Tensor, n_channels: int) -> np.ndarray:
    channels = audio.unsqueeze(0) if audio.dim() == 1 else audio
    if channels.dim() != 2 or len(channels) != n_channels:
        wanted = "one channel, (1, n_samples) or (n_samples,)" if n_channels == 1 else f"({n_channels}, n_samples)"
        raise ShapeError(f"audio {tuple(audio.shape)}: expected {wanted}.")
    return channels.detach().to("cpu", torch.float32).T.contiguous().numpy()


def _write(path: Path, blocks: Iterable[np.ndarray], form: tuple[int, int], container: str) -> None:
    """Write blocks of (n_samples, n_channels); the form is the sample rate in Hz and the number of channels."""
    try:
        with soundfile.SoundFile(native_path(path), "w", *form, SUBTYPE, format=container) as file:
            for block in blocks:
                file.write(block)
    except (soundfile.LibsndfileError, AssertionError) as error:
        # soundfile asserts that all samples were taken: on a full disk they are not.
        raise OSError(f"{_reason(error) or 'not all samples were taken'}; is the disk full?") from error


def open_audio(path: Path) -> soundfile.SoundFile:
    """Open what libsndfile reads.

    Raises:
        AudioFileError: it cannot.
    """
    if path.suffix.lower() == ".raw":
        raise AudioFileError(f"{path}: raw samples without a header. Convert it to WAV first.")
    try:
        if path.suffix.lower() == ".mp3" and path.with_name(f"._{path.name}").is_file():
            # A Mac's sidecar: given the name of an MP3 without tags, libsndfile looks into it and gives up.
            return soundfile.SoundFile(io.BytesIO(path.read_bytes()))
        return soundfile.SoundFile(native_path(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioFileError(
            f"{path}: not a sound file that can be read ({_reason(error)}). Give WAV, FLAC, OGG, MP3 or AIFF."
        ) from error


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return text.removeprefix("Error :").strip().rstrip(".")


def _info(file: soundfile.SoundFile) -> AudioInfo:
    n_samples = None if file.frames > UNKNOWN_LENGTH else file.frames
    return AudioInfo(file.samplerate, n_samples, file.channels, f"{file.format} {file.subtype}")


def _decode(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    position = 0
    with open_audio(path) as file:
        try:
            while len(block := file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                position += len(block)
                yield block.mean(axis=1)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise AudioFileError(
                f"{path}: damaged or cut short after {position / sample_rate:.2f} s ({_reason(error)}). "
                "Copy or export it again."
            ) from error


def _check_finite(block: np.ndarray, path: Path, offset: int, sample_rate: int) -> None:
    if np.isfinite(block).all():
        return
    first = offset + int(np.argmin(np.isfinite(block)))
    raise AudioFileError(
        f"{path}: holds NaN or infinity at {first / sample_rate:.3f} s. Repair or export the recording again."
    )


def _check_length(path: Path, info: AudioInfo, n_samples: int) -> None:
    if n_samples == 0:
        raise AudioFileError(f"{path}: holds no sound (0 samples). Copy or record it again.")
    is_mp3 = "MPEG" in info.encoding
    if info.n_samples is None or (is_mp3 and not has_mp3_length_note(path)):
        return  # without a length note an MP3's length is a guess from its bit rate
    slack = LOSSY_SLACK_SAMPLES if is_mp3 or compressed_files.is_needed(path) else 0
    if n_samples < info.n_samples - slack:
        found, expected = n_samples / info.sample_rate, info.n_samples / info.sample_rate
        raise AudioFileError(f"{path}: cut short, {found:.2f} s of {expected:.2f} s. Copy or export it again.")
