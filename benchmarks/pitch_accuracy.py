"""How right and how fast the pitch trackers are: synthetic truth, a hand-annotated voice, reverberant violin.

    python benchmarks/pitch_accuracy.py --audio FOLDER [--seconds 20] [--threads 2]

FOLDER holds voice/vocadito_1.flac with its _f0.csv, and violin_garner/. Three tables:
synthetic  median error in cents of vibrato and glide tones.
voice      frames within 50 cents of the annotation, of those that both call voiced.
violin     frames within 50 cents of CREPE full where that is voiced, frames off by an octave or more, the spectral
           distance (MSS) of closed-form analysis and resynthesis, and speed as a ratio to real time (wall clock).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.dsp.rendering import render_dry
from luthier.dsp.spectral_distance import multi_scale_distance
from luthier.errors import MissingExtraError
from luthier.features.pitch import Pitch, track_pitch

RATE, HOP = 16000, 160
TRACKERS = ("swift", "crepe-tiny", "cascade")
VIOLIN_STARTS_SECONDS = {6: 20, 8: 60}


def track(audio: Tensor, tracker: str, rate: int = RATE, hop_length: int = HOP) -> Pitch:
    return track_pitch(audio, sample_rate=rate, hop_length=hop_length, tracker=tracker)


def cents(found_hz: np.ndarray, wanted_hz: np.ndarray) -> np.ndarray:
    return np.abs(1200 * np.log2(found_hz / wanted_hz))


def synthetic_cases() -> dict[str, np.ndarray]:
    seconds = np.arange(4 * RATE) / RATE
    vibrato = {f"vibrato {hz} Hz": hz * 2 ** (30 / 1200 * np.sin(2 * np.pi * 5.5 * seconds)) for hz in (110, 440, 1500)}
    return {**vibrato, "glide 200-800 Hz": 200 * 2 ** (seconds / 2)}


def synthetic_error(f0_hz: np.ndarray, tracker: str) -> float:
    cycles = np.cumsum(f0_hz) / RATE
    harmonics = [np.sin(2 * np.pi * k * cycles) / k * (k * f0_hz < 7700) for k in range(1, 11)]
    audio = torch.from_numpy((0.1 * np.sum(harmonics, axis=0)).astype(np.float32)).unsqueeze(0)
    found = track(audio, tracker).f0_hz[0, :, 0].double().numpy()
    return float(np.median(cents(found, f0_hz[::HOP])[10:-10]))


def voice_agreement(folder: Path, tracker: str) -> float:
    audio, rate = load_audio(folder / "voice" / "vocadito_1.flac")
    seconds, wanted_hz = np.loadtxt(folder / "voice" / "vocadito_1_f0.csv", delimiter=",").T
    pitch = track(audio, tracker, rate, 256)
    frames = np.rint(seconds * rate / 256).astype(int).clip(0, pitch.f0_hz.shape[1] - 1)
    is_voiced = (wanted_hz > 0) & (pitch.periodicity[0, :, 0].numpy()[frames] >= 0.5)
    found_hz = pitch.f0_hz[0, :, 0].numpy()[frames]
    return float((cents(found_hz[is_voiced], wanted_hz[is_voiced]) < 50).mean())


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
    try:
        reference = track(audio, "crepe")
    except MissingExtraError as error:
        print(f"no reference: {error}")
        return
    wanted_hz = reference.f0_hz[0, :, 0].numpy()
    is_voiced = reference.periodicity[0, :, 0].numpy() >= 0.5
    for tracker in (*TRACKERS, "crepe"):
        pitch, speed = timed(audio, tracker)
        error = cents(pitch.f0_hz[0, :, 0].numpy(), wanted_hz)[is_voiced]
        print(
            f"{name}  {tracker:10}  within 50 cents {(error < 50).mean():6.1%}  octaves {(error > 1150).mean():6.2%}"
            f"  MSS {resynthesis_distance(audio, pitch.f0_hz):.3f}  {speed:5.1f} x real time"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, help="folder of development recordings")
    parser.add_argument("--seconds", type=int, default=20, help="length of each violin excerpt")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for tracker in TRACKERS:
        for case, f0_hz in synthetic_cases().items():
            print(f"synthetic  {tracker:10}  {case:18}  median error {synthetic_error(f0_hz, tracker):.2f} cents")
    for tracker in TRACKERS:
        print(f"voice  {tracker:10}  within 50 cents {voice_agreement(options.audio, tracker):.1%}")
    for name, audio in violin(options.audio, options.seconds).items():
        print_violin(name, audio)


if __name__ == "__main__":
    main()
