"""How right and how fast the pitch trackers are: synthetic truth, a hand-annotated voice, reverberant violin.

    python benchmarks/pitch_accuracy.py [--audio FOLDER] [--seconds 20] [--threads 2]

Three tables, the first without any recording; FOLDER holds voice/vocadito_1.flac with its _f0.csv, and violin_garner/.
synthetic  tones of ten harmonics whose pitch is known exactly, from 45 to 3,500 Hz: steady, vibrato, glides, decays,
           white noise 20, 10 and 0 dB below them. Share of frames within 50 and within 10 cents, and off by an octave
           or more; whatever the periodicity says, so that nothing is hidden by calling it unvoiced.
voice      the same against the annotation, of frames that both call voiced.
violin     the same against CREPE full where that is voiced; the spectral distance (MSS) of closed-form analysis and
           resynthesis; speed as a ratio to real time (wall clock).
`crepe` is the published full network, decoded by us. pYIN is not here: the package does not need it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.dsp.rendering import render_dry
from luthier.dsp.spectral_distance import multi_scale_distance
from luthier.features.pitch import Pitch, track_pitch

RATE, HOP = 16000, 160
TRACKERS = ("swift", "crepe-tiny", "cascade", "crepe")
VIOLIN_STARTS_SECONDS = {6: 20, 8: 60}


class Tone(NamedTuple):
    """A sound and its pitch.

    Attributes:
        audio: (1, n_samples).
        f0_hz: (n_samples,), Hz.
    """

    audio: Tensor
    f0_hz: np.ndarray


def track(audio: Tensor, tracker: str, rate: int = RATE, hop_length: int = HOP) -> Pitch:
    return track_pitch(audio, sample_rate=rate, hop_length=hop_length, tracker=tracker)


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


def print_shares(table: str, tracker: str, case: str, error: np.ndarray, more: str = "") -> None:
    within = f"50 cents {(error < 50).mean():7.2%}  10 cents {(error < 10).mean():7.2%}"
    print(f"{table:9}  {case:24}  {tracker:10}  {within}  octaves {(error > 1150).mean():6.2%}  {more}", flush=True)


def synthetic_error(case: Tone, tracker: str) -> np.ndarray:
    """Cents of each frame but the first and last few, whose windows hang over the ends."""
    found = track_pitch(case.audio, sample_rate=RATE, hop_length=HOP, tracker=tracker, f0_min_hz=40, f0_max_hz=4000)
    return cents(found.f0_hz[0, :, 0].double().numpy(), case.f0_hz[::HOP])[10:-10]


def voice_error(folder: Path, tracker: str) -> np.ndarray:
    audio, rate = load_audio(folder / "voice" / "vocadito_1.flac")
    seconds, wanted_hz = np.loadtxt(folder / "voice" / "vocadito_1_f0.csv", delimiter=",").T
    pitch = track(audio, tracker, rate, 256)
    frames = np.rint(seconds * rate / 256).astype(int).clip(0, pitch.f0_hz.shape[1] - 1)
    is_voiced = (wanted_hz > 0) & (pitch.periodicity[0, :, 0].numpy()[frames] >= 0.5)
    return cents(pitch.f0_hz[0, :, 0].numpy()[frames][is_voiced], wanted_hz[is_voiced])


def violin(folder: Path, seconds: int) -> dict[str, Tensor]:
    clips = {}
    for movement, start in VIOLIN_STARTS_SECONDS.items():
        name = f"john-garner_bwv1002_mov{movement}"
        audio, _ = load_audio(folder / "violin_garner" / f"{name}.flac", sample_rate=RATE)
        clips[name] = audio[:, start * RATE : (start + seconds) * RATE]
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
    """The pitch, and how many times faster than real time it came; the networks are loaded before."""
    track(audio[:, :RATE], tracker)
    start = time.perf_counter()
    pitch = track(audio, tracker)
    return pitch, audio.shape[1] / RATE / (time.perf_counter() - start)


def print_violin(name: str, audio: Tensor) -> None:
    found = {tracker: timed(audio, tracker) for tracker in reversed(TRACKERS)}
    reference = found["crepe"][0]
    is_voiced = reference.periodicity[0, :, 0].numpy() >= 0.5
    for tracker, (pitch, speed) in found.items():
        error = cents(pitch.f0_hz[0, :, 0].numpy(), reference.f0_hz[0, :, 0].numpy())[is_voiced]
        distance = resynthesis_distance(audio, pitch.f0_hz)
        print_shares("violin", tracker, name, error, f"MSS {distance:.3f}  {speed:5.1f} x real time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, help="folder of development recordings; without it the first table only")
    parser.add_argument("--seconds", type=int, default=20, help="length of each violin excerpt")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for case, tones in synthetic_cases().items():
        for tracker in TRACKERS:
            print_shares("synthetic", tracker, case, np.concatenate([synthetic_error(one, tracker) for one in tones]))
    if options.audio is None:
        return
    for tracker in TRACKERS:
        print_shares("voice", tracker, "vocadito_1", voice_error(options.audio, tracker))
    for name, audio in violin(options.audio, options.seconds).items():
        print_violin(name, audio)


if __name__ == "__main__":
    main()
