"""One training step of the same model: ours beside plain eager PyTorch, same thread, same batch, in turn.

python benchmarks/training_step.py            table and results/latest.json
"""

from __future__ import annotations

import argparse
import json
import math

import torch
from measuring import Row, compare, cpu_seconds, in_turn, peak_mib, write_rows
from plain import HOP_LENGTH, PlainInstrument, multi_scale_loss

BATCH, N_FRAMES = 16, 400
ROUNDS, REPEATS = 3, 3
GOALS = (4.0, 7.0), (3.0, 6.0)
"""Of time and of memory."""
WAYS = ("plain", "float32", "bfloat16")
NOTES = {
    "float32": "where the processor has no fast bfloat16",
    "bfloat16": "as the preset trains where there is bfloat16",
}


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gliding pitches between 200 and 800 Hz, loudness, and noise as the target."""
    torch.manual_seed(0)
    vibrato = 1.0 + 0.01 * torch.sin(torch.linspace(0.0, 40.0 * math.pi, N_FRAMES)).view(1, -1, 1)
    f0_hz = (200.0 + 600.0 * torch.rand(BATCH, 1, 1)) * vibrato
    return f0_hz, torch.randn(BATCH, N_FRAMES, 1), 0.1 * torch.randn(BATCH, N_FRAMES * HOP_LENGTH)


def reference_step(n_harmonics: int) -> None:
    f0_hz, loudness, target = batch()
    model = PlainInstrument(n_harmonics)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    measure(lambda: model(f0_hz, loudness), lambda output: multi_scale_loss(output, target), optimizer)


def our_step(n_harmonics: int, precision: str) -> None:
    from luthier.data.process import keep_freed_memory
    from luthier.dsp.signals import Features
    from luthier.dsp.spectral_distance import multi_scale_distance
    from luthier.model.instrument import Instrument, white_noise
    from luthier.model.overrides import merge
    from luthier.model.presets import instrument_config, preset_tables

    compile_kernels()
    f0_hz, loudness, target = batch()
    table = merge(preset_tables("string-along")["instrument"], {"n_harmonics": n_harmonics})
    model = Instrument(instrument_config(table))
    features = Features(f0_hz, torch.ones_like(f0_hz), loudness * 10.0 - 40.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(0)

    def play() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            controls = model.controls(features)
        return model.room(model.dry(controls, white_noise(*target.shape, generator)))

    with keep_freed_memory():  # as `luthier train` does
        measure(play, lambda output: multi_scale_distance(output, target).mean(), optimizer)


def compile_kernels() -> None:
    """Have the loops compiled: numba's compiler takes 130 MiB once, which are no more the step's than torch itself."""
    from luthier.dsp.oscillator_bank import oscillator_bank
    from luthier.dsp.spectral_distance import multi_scale_distance

    amplitudes, audio = torch.rand(1, 2, 1, requires_grad=True), torch.rand(1, 9, requires_grad=True)
    oscillator_bank(torch.rand(1, 9).double(), amplitudes, torch.ones(1)).sum().backward()
    multi_scale_distance(audio, torch.rand(1, 9)).sum().backward()


def measure(play, loss, optimizer) -> None:
    """Print the median CPU time of a step and the memory that it needs beyond the model's own."""
    before = peak_mib()

    def step() -> None:
        optimizer.zero_grad()
        loss(play()).backward()
        optimizer.step()

    times = cpu_seconds(step, repeats=REPEATS)
    print(json.dumps({"seconds": sorted(times)[len(times) // 2], "mib": peak_mib() - before}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--which", choices=WAYS)
    parser.add_argument("--harmonics", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which == "plain":
        reference_step(arguments.harmonics)
    elif arguments.which:
        our_step(arguments.harmonics, arguments.which)
    else:
        write_rows(all_rows(), "benchmarks/training_step.py")


def all_rows() -> list[Row]:
    rows = []
    for n_harmonics in (50, 100):
        variants = {which: ["--which", which, "--harmonics", str(n_harmonics)] for which in WAYS}
        found = in_turn(__file__, variants, rounds=ROUNDS)
        plain = found["plain"]
        times, memory = GOALS if n_harmonics == 100 else (None, None)
        for which, note in NOTES.items():
            name, ours = f"string-along step, {n_harmonics} harmonics, {which}", found[which]
            rows.append(compare(name, ours["seconds"], plain["seconds"], goals=times, note=note))
            name = f"string-along step memory, {n_harmonics} harmonics, {which}"
            rows.append(compare(name, ours["mib"], plain["mib"], goals=memory, unit="MiB", note=note))
    return rows


if __name__ == "__main__":
    main()
