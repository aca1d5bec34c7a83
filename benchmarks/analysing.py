"""Closed-form analysis against real time and against plain least squares of all sines, frame by frame, on one core.

    python benchmarks/analysing.py            a table, about a minute

Steady tones of known pitch with noise: the lower the pitch and the higher the rate, the more sines are in a frame.
"""

from __future__ import annotations

import statistics

import torch
from measuring import cpu_seconds
from torch import Tensor

from luthier import analyse
from luthier.analysis.harmonics import EDGE_HZ, PERIODS, SHORTEST_SECONDS

SECONDS, REPEATS = 4.0, 3
PLAIN_SECONDS = 0.25
"""Plain least squares is slow: a part is enough to tell how slow."""
F0_HZ = (110.0, 220.0, 440.0, 880.0)
SHAPES = {16000: (60, 65), 44100: (165, 129)}
"""Sample rate: harmonics and noise bands of the presets."""


def tone(f0_hz: float, sample_rate: int, seconds: float) -> Tensor:
    time = torch.arange(round(seconds * sample_rate)) / sample_rate
    partials = [torch.sin(2 * torch.pi * k * f0_hz * time) / k for k in range(1, int(0.45 * sample_rate / f0_hz))]
    noise = 1e-3 * torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    return 0.1 * torch.stack(partials).sum(0) + noise


def plain(audio: Tensor, f0_hz: float, sample_rate: int, hop_length: int, n_harmonics: int) -> Tensor:
    """Amplitudes by least squares on cosines and sines in a Hann window around each frame, as a textbook says."""
    length = 2 * round(max(PERIODS / f0_hz, SHORTEST_SECONDS) * sample_rate / 2)
    count = min(n_harmonics, int((sample_rate / 2 - EDGE_HZ) / f0_hz))
    time = (torch.arange(length) - length // 2) / sample_rate
    angles = 2 * torch.pi * f0_hz * time.unsqueeze(1) * torch.arange(1, count + 1)
    window = torch.hann_window(length).sqrt().unsqueeze(1)
    columns = window * torch.cat([angles.cos(), angles.sin()], dim=1)
    frames = torch.nn.functional.pad(audio, (length // 2, length // 2)).unfold(0, length, hop_length)
    found = [torch.linalg.lstsq(columns, window * frame.unsqueeze(1)).solution for frame in frames]
    return torch.stack([each.view(2, count).square().sum(0).sqrt() for each in found])


def main() -> None:
    """Print a row for each rate and pitch."""
    torch.set_num_threads(1)
    print("| rate, Hz | f0, Hz | analysis, times real time | plain least squares (harmonics only) | ratio |")
    print("|---|---|---|---|---|")
    for sample_rate, (n_harmonics, n_bands) in SHAPES.items():
        hop_length = sample_rate // 100
        for f0_hz in F0_HZ:
            audio = tone(f0_hz, sample_rate, SECONDS)
            pitch = torch.full((1, round(SECONDS * 100), 1), f0_hz)

            def ours(audio: Tensor = audio, pitch: Tensor = pitch, rate: int = sample_rate, hop: int = hop_length,
                     sizes: tuple[int, int] = (n_harmonics, n_bands)) -> object:  # fmt: skip
                return analyse(
                    audio[None], pitch, sample_rate=rate, hop_length=hop, n_harmonics=sizes[0], n_bands=sizes[1]
                )

            part = audio[: round(PLAIN_SECONDS * sample_rate)]
            speed = SECONDS / statistics.median(cpu_seconds(ours, repeats=REPEATS))
            slow = PLAIN_SECONDS / statistics.median(
                cpu_seconds(
                    lambda part=part, f0_hz=f0_hz, rate=sample_rate, hop=hop_length, n=n_harmonics: plain(
                        part, f0_hz, rate, hop, n
                    ),
                    repeats=REPEATS,
                )
            )
            print(f"| {sample_rate} | {f0_hz:g} | {speed:.1f} | {slow:.2f} | {speed / slow:.0f} |", flush=True)


if __name__ == "__main__":
    main()
