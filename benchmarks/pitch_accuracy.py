"""How right and how fast the pitch trackers are: synthetic truth, a hand-annotated voice, reverberant violin.

    python benchmarks/pitch_accuracy.py [--audio FOLDER] [--seconds 20] [--threads 2]

Three tables, the first without any recording; FOLDER holds voice/vocadito_1.flac with its _f0.csv, and violin_garner/.
synthetic  tones of ten harmonics whose pitch is known exactly, from 45 to 3,500 Hz: steady, vibrato, glides, decays,
           white noise 20, 10 and 0 dB below them. Share of frames within 50 and within 10 cents, and off by an octave
           or more; whatever the periodicity says, so that nothing is hidden by calling it unvoiced.
voice      the same against the annotation, of frames that both call voiced.
violin     the same against CREPE full where that is voiced, and the first share where it is sure; the spectral distance
           (MSS) of closed-form analysis and resynthesis; speed, seconds of sound in a second of CPU time.
`crepe` is the published full network, decoded by us; pYIN and torchcrepe's own decoding come from pitch_peers.py.
The last lines of a table say which trackers met the goals there.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pitch_peers import installed_peers
from torch import Tensor

from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.dsp.framing import n_frames
from luthier.dsp.rendering import render_dry
from luthier.dsp.resampling import resample
from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.dsp.spectral_distance import multi_scale_distance
from luthier.features.high_range import Tracker
from luthier.features.pitch import Pitch, track_pitch
from luthier.features.track import read_track

RATE, HOP = 16000, 160
OURS = ("swift", "crepe-tiny", "cascade", "crepe")
REFERENCE = "crepe"
SURE_PERIODICITY = 0.8
VIOLIN_STARTS_SECONDS = {6: 20, 8: 60}


class Tone(NamedTuple):
    """A sound and its pitch.

    Attributes:
        audio: (1, n_samples).
        f0_hz: (n_samples,), Hz.
    """

    audio: Tensor
    f0_hz: np.ndarray


class Goals(NamedTuple):
    """Shares of frames, 0..1: at least so many within 50 and 10 cents, at most so many off by an octave or more."""

    within_50: float
    within_10: float
    octaves: float


CLEAN_GOALS = Goals(0.99, 0.95, 0.002)
NOISY_GOALS = Goals(0.99, 0.0, 0.002)
VIOLIN_GOALS = Goals(0.97, 0.0, 0.005)


class Row(NamedTuple):
    """A line of a table.

    Attributes:
        tracker: name.
        case: what it listened to.
        error: (n,), cents.
        goals: None for the reference, which is right by definition.
        more: further numbers.
    """

    tracker: str
    case: str
    error: np.ndarray
    goals: Goals | None
    more: str = ""


@functools.cache
def peers() -> dict[str, Tracker]:
    return installed_peers()


def track(
    audio: Tensor,
    tracker: str,
    rate: int = RATE,
    hop_length: int = HOP,
    f0_range_hz: tuple[float, float] = (50.0, 2000.0),
) -> Pitch:
    """Pitch at our frames; what others find is read there as it is, in frames that they call unvoiced, too."""
    low, high = f0_range_hz
    if tracker in OURS:
        return track_pitch(
            audio, sample_rate=rate, hop_length=hop_length, tracker=tracker, f0_min_hz=low, f0_max_hz=high
        )
    rough = peers()[tracker](resample(audio, rate, RATE)[0], low, high)
    positions = torch.arange(n_frames(audio.shape[1], hop_length), dtype=torch.float64) * hop_length * RATE / rate
    f0_hz, _ = read_track(rough._replace(periodicity=torch.ones_like(rough.periodicity)), positions)
    _, periodicity = read_track(rough, positions)
    return Pitch(f0_hz.view(1, -1, 1), periodicity.view(1, -1, 1))


def cents(found_hz: np.ndarray, wanted_hz: np.ndarray) -> np.ndarray:
    return np.abs(1200 * np.log2(found_hz / wanted_hz))


def steady(hz: float) -> np.ndarray:
    return np.full(2 * RATE, hz)


def vibrato(hz: float) -> np.ndarray:
    return hz * 2 ** (30 / 1200 * np.sin(2 * np.pi * 5.5 * np.arange(2 * RATE) / RATE))


def glide(low_hz: float, high_hz: float) -> np.ndarray:
    return np.geomspace(low_hz, high_hz, 2 * RATE)


def tone(f0_hz: np.ndarray, t60_seconds: float = np.inf, noise_db: float = -np.inf) -> Tone:
    """Ten harmonics, the k-th of amplitude 1/k, dying away; noise of a level relative to them."""
    cycles = np.cumsum(f0_hz) / RATE
    harmonics = [np.sin(2 * np.pi * k * cycles) / k * (k * f0_hz < 7700) for k in range(1, 11)]
    audio = np.sum(harmonics, axis=0) * 10 ** (-3 * np.arange(len(f0_hz)) / RATE / t60_seconds)
    noise = np.random.default_rng(0).standard_normal(len(f0_hz))
    audio += noise * np.sqrt(np.mean(audio**2)) * 10 ** (noise_db / 20)
    return Tone(torch.from_numpy((0.1 * audio).astype(np.float32)).unsqueeze(0), f0_hz)


def synthetic_cases() -> dict[str, list[Tone]]:
    noisy = {f"noise at {-db} dB": [tone(vibrato(hz), noise_db=db) for hz in (110, 440, 1500)] for db in (-20, -10, 0)}
    return {
        "steady, 65 to 2,000 Hz": [tone(steady(hz)) for hz in (65, 98, 196, 440, 1000, 2000)],
        "steady, 45 Hz": [tone(steady(45))],
        "steady, 3,500 Hz": [tone(steady(3500))],
        "vibrato of 30 cents": [tone(vibrato(hz)) for hz in (110, 440, 1500, 3000)],
        "glides, two octaves": [tone(glide(200, 800)), tone(glide(1600, 400))],
        "decays, T60 1.5 s": [tone(steady(hz), t60_seconds=1.5) for hz in (82, 330, 1320)],
        **noisy,
    }


def shares(error: np.ndarray) -> Goals:
    return Goals(float((error < 50).mean()), float((error < 10).mean()), float((error > 1150).mean()))


def misses(row: Row) -> list[str]:
    """What a row lacks, in words; empty if it met its goals."""
    if row.goals is None:
        return []
    found, goals = shares(row.error), row.goals
    missed = {
        f"{found.within_50:.2%} within 50 cents": found.within_50 < goals.within_50,
        f"{found.within_10:.2%} within 10 cents": found.within_10 < goals.within_10,
        f"{found.octaves:.2%} octaves": found.octaves > goals.octaves,
    }
    return [f"{row.case}: {words}" for words, is_missed in missed.items() if is_missed]


def print_table(table: str, rows: Iterable[Row]) -> None:
    """Each row as soon as it is there, then the goals."""
    missed: dict[str, list[str]] = {}
    for row in rows:
        found = shares(row.error)
        numbers = f"50 cents {found.within_50:7.2%}  10 cents {found.within_10:7.2%}  octaves {found.octaves:6.2%}"
        print(f"{table:9}  {row.case:24}  {row.tracker:15}  {numbers}  {row.more}", flush=True)
        if row.goals is not None:
            missed.setdefault(row.tracker, []).extend(misses(row))
    for tracker, words in missed.items():
        print(f"{table:9}  {tracker:15}  goals {'missed: ' + '; '.join(words) if words else 'met'}", flush=True)


def synthetic_error(case: Tone, tracker: str) -> np.ndarray:
    """Cents of each frame but the first and last few, whose windows hang over the ends."""
    found = track(case.audio, tracker, f0_range_hz=(40.0, 4000.0))
    return cents(found.f0_hz[0, :, 0].double().numpy(), case.f0_hz[::HOP])[10:-10]


def synthetic_rows() -> Iterator[Row]:
    for case, tones in synthetic_cases().items():
        goals = NOISY_GOALS if case.startswith("noise") else CLEAN_GOALS
        for tracker in (*OURS, *peers()):
            yield Row(tracker, case, np.concatenate([synthetic_error(one, tracker) for one in tones]), goals)


def voice_error(folder: Path, tracker: str) -> np.ndarray:
    audio, rate = load_audio(folder / "voice" / "vocadito_1.flac")
    seconds, wanted_hz = np.loadtxt(folder / "voice" / "vocadito_1_f0.csv", delimiter=",").T
    pitch = track(audio, tracker, rate, 256)
    frames = np.rint(seconds * rate / 256).astype(int).clip(0, pitch.f0_hz.shape[1] - 1)
    is_voiced = (wanted_hz > 0) & (pitch.periodicity[0, :, 0].numpy()[frames] >= VOICED_PERIODICITY)
    return cents(pitch.f0_hz[0, :, 0].numpy()[frames][is_voiced], wanted_hz[is_voiced])


def violin(folder: Path, seconds: int) -> dict[str, Tensor]:
    clips = {}
    for movement, start in VIOLIN_STARTS_SECONDS.items():
        name = f"john-garner_bwv1002_mov{movement}"
        audio, _ = load_audio(folder / "violin_garner" / f"{name}.flac", sample_rate=RATE)
        clips[name] = audio[:, start * RATE : (start + seconds) * RATE] if seconds else audio
    return clips


def resynthesis_distance(audio: Tensor, f0_hz: Tensor) -> float:
    """MSS over windows of 4 s."""
    controls = analyse(audio, f0_hz, sample_rate=RATE, hop_length=HOP, n_harmonics=100, n_bands=65)
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, f0_hz.shape[1] * HOP, generator=generator) * 2 - 1
    dry = render_dry(controls, noise, sample_rate=RATE, hop_length=HOP)
    whole = audio.shape[1] // (4 * RATE) * 4 * RATE
    output = (dry.harmonic + dry.noise)[:, :whole]
    return float(multi_scale_distance(output.view(-1, 4 * RATE), audio[:, :whole].view(-1, 4 * RATE)).mean())


def timed(audio: Tensor, tracker: str) -> tuple[Pitch, float]:
    """The pitch, and how many seconds of sound a second of CPU time tracks; the networks are loaded before."""
    track(audio[:, :RATE], tracker)
    start = time.process_time()
    pitch = track(audio, tracker)
    return pitch, audio.shape[1] / RATE / (time.process_time() - start)


def violin_rows(name: str, audio: Tensor) -> Iterator[Row]:
    """The reference first, since the others are compared with it."""
    found: dict[str, Pitch] = {}
    for tracker in (REFERENCE, *(tracker for tracker in (*OURS, *peers()) if tracker != REFERENCE)):
        found[tracker], speed = timed(audio, tracker)
        certainty = found[REFERENCE].periodicity[0, :, 0].numpy()
        f0_hz, wanted_hz = (pitch.f0_hz[0, :, 0].numpy() for pitch in (found[tracker], found[REFERENCE]))
        error = cents(f0_hz, wanted_hz)
        sure = f"50 cents where sure {shares(error[certainty >= SURE_PERIODICITY]).within_50:7.2%}"
        more = f"{sure}  MSS {resynthesis_distance(audio, found[tracker].f0_hz):.3f}  {speed:5.1f} s in a CPU second"
        goals = None if tracker == REFERENCE else VIOLIN_GOALS
        yield Row(tracker, name, error[certainty >= VOICED_PERIODICITY], goals, more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, help="folder of development recordings; without it the first table only")
    parser.add_argument("--seconds", type=int, default=20, help="length of each violin excerpt; 0: the whole movement")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print_table("synthetic", synthetic_rows())
    if options.audio is None:
        return
    voices = ((tracker, voice_error(options.audio, tracker)) for tracker in (*OURS, *peers()))
    print_table("voice", (Row(tracker, "vocadito_1", error, CLEAN_GOALS) for tracker, error in voices))
    clips = violin(options.audio, options.seconds)
    print_table("violin", itertools.chain(*(violin_rows(name, audio) for name, audio in clips.items())))


if __name__ == "__main__":
    main()
