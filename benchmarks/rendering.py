"""Playing 64 s of features offline on one core: ours beside plain eager PyTorch, in turn.

python benchmarks/rendering.py            table and results/latest.json
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable

import torch
from measuring import Row, compare, compare_rates, cpu_seconds, in_turn, peak_mib, write_rows
from plain import PlainInstrument

SECONDS, FRAME_RATE = 64, 100
ROUNDS, REPEATS = 3, 3
REAL_TIME_GOALS = (200.0, 500.0)


def curves() -> tuple[torch.Tensor, torch.Tensor]:
    """A vibrato that glides through two octaves, and a swelling loudness: (1, n_frames, 1) each."""
    time = torch.arange(SECONDS * FRAME_RATE) / FRAME_RATE
    octaves = torch.sin(2.0 * math.pi * time / 16.0) + 0.02 * torch.sin(2.0 * math.pi * 5.5 * time)
    return (400.0 * 2.0**octaves).view(1, -1, 1), torch.sin(2.0 * math.pi * time / 3.0).view(1, -1, 1)


def plain() -> Callable[[], object]:
    f0_hz, loudness = curves()
    model = PlainInstrument()

    def play() -> torch.Tensor:
        with torch.no_grad():
            return model(f0_hz, loudness)

    return play


def ours(preset: str) -> Callable[[], object]:
    from luthier.dsp.signals import Features
    from luthier.inference.rendering import render
    from luthier.model.instrument import Instrument
    from luthier.model.presets import instrument_config, preset_tables

    f0_hz, loudness = curves()
    torch.manual_seed(0)
    model = Instrument(instrument_config(preset_tables(preset)["instrument"])).eval()
    features = Features(f0_hz, torch.ones_like(f0_hz), 10.0 * loudness - 40.0)
    return lambda: render(model, features)


def measure(which: str) -> None:
    """Print the median CPU time of a rendering and the memory that it needs beyond the model's own."""
    play = plain() if which == "plain" else ours(which)
    before = peak_mib()
    times = sorted(cpu_seconds(play, repeats=REPEATS))
    print(json.dumps({"seconds": times[len(times) // 2], "mib": peak_mib() - before}))


def all_rows() -> list[Row]:
    found = in_turn(__file__, {which: ["--which", which] for which in ("plain", "fast", "string-along")}, rounds=ROUNDS)
    reference, rows = found["plain"], []
    for preset in ("fast", "string-along"):
        mine = found[preset]
        rows.append(compare(f"rendering {SECONDS} s, {preset}, one core", mine["seconds"], reference["seconds"]))
        rows.append(compare(f"rendering memory, {SECONDS} s, {preset}", mine["mib"], reference["mib"], unit="MiB"))
    speed = SECONDS / found["fast"]["seconds"]
    name = f"rendering {SECONDS} s, fast, against real time"
    return [*rows, compare_rates(name, speed, 1.0, goals=REAL_TIME_GOALS, unit="x")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--which", choices=["plain", "fast", "string-along"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which:
        measure(arguments.which)
    else:
        write_rows(all_rows(), "benchmarks/rendering.py")


if __name__ == "__main__":
    main()
