"""Playing as the sound is heard, block by block, on one core: ours beside plain eager PyTorch, in turn.

python benchmarks/streaming.py            table and results/latest.json

A block holds whole frames (10 ms each): the network decides once a frame, and an audio device that wants fewer samples
gets them from the last frame. Ours plays on without a seam (network, synthesisers and a room of 1 s remember); the plain
system has no memory and is called anew for each block, which clicks but costs what a block costs. Blocks are timed one
by one by wall clock, since a block that comes too late is a gap: the median, and the 99th percentile.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import torch
from measuring import Row, compare, compare_rates, in_turn, write_rows
from plain import HOP_LENGTH, SAMPLE_RATE, PlainInstrument

BLOCK_FRAMES = (1, 2, 4, 13)
N_BLOCKS, WARM_UP, ROUNDS = 300, 30, 3
PERCENTILE = 99
PRESETS = ("fast", "string-along")


def plain(n_frames: int) -> Callable[[], object]:
    model = PlainInstrument()
    f0_hz, loudness = torch.full((1, n_frames, 1), 440.0), torch.zeros(1, n_frames, 1)
    return lambda: model(f0_hz, loudness)


def ours(preset: str, n_frames: int) -> Callable[[], object]:
    from luthier.dsp.convolution import ConvolutionState, convolve_block
    from luthier.dsp.signals import Features
    from luthier.model.instrument import Instrument, white_noise
    from luthier.model.presets import instrument_config, preset_tables

    torch.manual_seed(0)
    instrument = Instrument(instrument_config(preset_tables(preset)["instrument"])).eval()
    features = Features(*(torch.full((1, n_frames, 1), value) for value in (440.0, 1.0, -25.0)))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        response = instrument.room.impulse_response()
        first, decoder = instrument.controls_block(features.map(lambda values: values[:, :1]), instrument.start(1))
        states = [synth.start(first, white_noise(1, 2 * HOP_LENGTH, generator)) for synth in instrument.synths]
    echoes = ConvolutionState.start(1, response)

    def play() -> torch.Tensor:
        nonlocal decoder, echoes
        controls, decoder = instrument.controls_block(features, decoder)
        noise, dry = white_noise(1, n_frames * HOP_LENGTH, generator), []
        for index, synth in enumerate(instrument.synths):
            audio, states[index] = synth.play(controls, noise, states[index])
            dry.append(audio)
        wet, echoes = convolve_block(torch.stack(dry).sum(dim=0), response, echoes)
        return wet

    return play


def measure(which: str, n_frames: int) -> None:
    """Print the median and the 99th percentile of the time that a block takes, s."""
    play, seconds = plain(n_frames) if which == "plain" else ours(which, n_frames), []
    with torch.no_grad():
        for _ in range(WARM_UP + N_BLOCKS):
            before = time.perf_counter()
            play()
            seconds.append(time.perf_counter() - before)
    counted = np.array(seconds[WARM_UP:])
    print(json.dumps({"median": float(np.median(counted)), "late": float(np.percentile(counted, PERCENTILE))}))


def rows_of(n_frames: int) -> list[Row]:
    variants = {which: ["--which", which, str(n_frames)] for which in ("plain", *PRESETS)}
    found = in_turn(__file__, variants, rounds=ROUNDS)
    lasts, rows = n_frames * HOP_LENGTH / SAMPLE_RATE, []
    for preset in PRESETS:
        name, costs = f"a block of {n_frames * HOP_LENGTH} samples, {preset}", found[preset]
        rows.append(compare(f"{name}, one core", costs["median"], found["plain"]["median"], note="wall clock"))
        late = f"{PERCENTILE}th percentile, wall clock; below 1 it would come too late"
        rows.append(compare_rates(f"{name}, against real time", lasts / costs["late"], 1.0, unit="x", note=late))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--which", nargs=2, metavar=("PRESET", "FRAMES"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which:
        which, n_frames = arguments.which
        measure(which, int(n_frames))
    else:
        write_rows([row for n_frames in BLOCK_FRAMES for row in rows_of(n_frames)], "benchmarks/streaming.py")


if __name__ == "__main__":
    main()
