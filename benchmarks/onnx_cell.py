"""One frame of an instrument's network on one core: exported to onnxruntime, beside eager PyTorch, in turn.

python benchmarks/onnx_cell.py            prints a table
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch
from measuring import cpu_seconds, in_turn

from luthier.dsp.signals import Features
from luthier.export.onnx_cell import export
from luthier.inference.player import Player, load_player
from luthier.model.bundled import bundled_names
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary
from luthier.model.presets import instrument_config, preset_tables

INSTRUMENTS = ("violin", "violin-studio", "string-along", "solo-instrument")
FRAMES, ROUNDS, REPEATS = 1000, 3, 5


def player(name: str) -> Player:
    if name in bundled_names():
        return load_player(name)
    return Player(Instrument(instrument_config(preset_tables(name)["instrument"])), TrainingSummary())


def eager(name: str) -> Callable[[], None]:
    instrument = player(name).instrument
    features = Features(*(torch.full((1, 1, 1), value) for value in (440.0, 1.0, -25.0)))

    def play() -> None:
        state = instrument.start(1)
        with torch.inference_mode():
            for _ in range(FRAMES):
                _, state = instrument.controls_block(features, state)

    return play


def exported(name: str) -> Callable[[], None]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    cell = onnxruntime.InferenceSession(export(player(name)), options, providers=["CPUExecutionProvider"])
    inputs = {each.name: np.full(each.shape, np.nan, np.float32) for each in cell.get_inputs()}
    inputs |= {"f0_hz": np.full((1, 1, 1), 440, np.float32), "periodicity": np.ones((1, 1, 1), np.float32)}
    inputs |= {"loudness_db": np.full((1, 1, 1), -25, np.float32), "state": np.zeros_like(inputs["state"])}

    def play() -> None:
        for _ in range(FRAMES):
            *_, inputs["state"] = cell.run(None, inputs)

    return play


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", nargs=2, metavar=("HOW", "INSTRUMENT"))
    arguments = parser.parse_args()
    if arguments.measure:
        torch.set_num_threads(1)
        how, name = arguments.measure
        seconds = statistics.median(cpu_seconds({"eager": eager, "exported": exported}[how](name), repeats=REPEATS))
        print(json.dumps({"us": seconds / FRAMES * 1e6}))
        return
    for name in INSTRUMENTS:
        variants = {how: ["--measure", how, name] for how in ("exported", "eager")}
        found = {how: numbers["us"] for how, numbers in in_turn(__file__, variants, rounds=ROUNDS).items()}
        ratio = found["eager"] / found["exported"]
        print(
            f"{name:16s} onnxruntime {found['exported']:6.0f} us, PyTorch {found['eager']:6.0f} us, {ratio:.1f} times"
        )


if __name__ == "__main__":
    main()
