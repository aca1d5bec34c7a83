"""Do the harmonics carry the tone, or does noise stand in for them, or the room? Energy by octave, beside analysis.

A part of a dataset is played by an instrument, harmonics and noise apart, without its room and in it, and compared
with what closed-form analysis finds of both in the recording.

    python benchmarks/bands.py INSTRUMENT.safetensors DATASET [--split test]    a table, dB against the whole recording
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.dsp.rendering import render_dry
from luthier.evaluation.frames_of_reference import Synthesiser, oracle_controls
from luthier.evaluation.material import clips
from luthier.model.instrument import white_noise
from luthier.model.instrument_file import load_instrument
from luthier.units import power_to_db

LOWEST_HZ = 125.0


def octave_powers(audio: Tensor, sample_rate: int) -> Tensor:
    """(n_octaves,), from 125 Hz to Nyquist; everything below is in the first."""
    spectrum = torch.fft.rfft(audio).abs().square().sum(0) / audio.shape[-1]
    hz = torch.fft.rfftfreq(audio.shape[-1], 1.0 / sample_rate)
    octave = (hz / LOWEST_HZ).clamp_min(1e-9).log2().floor().clamp_min(0).long()
    return torch.zeros(int(octave.max()) + 1).index_add_(0, octave, spectrum)


@torch.no_grad()
def powers(instrument_path: Path, dataset_path: Path, split: str) -> dict[str, Tensor]:
    """Power by octave of the recording, of both parts as analysed and as played, and of their sum in and out of the room."""
    instrument, dataset = load_instrument(instrument_path).instrument, Dataset.open(dataset_path)
    synthesiser = Synthesiser.of(instrument.config)
    rates = {"sample_rate": synthesiser.sample_rate, "hop_length": synthesiser.hop_length}
    found: dict[str, Tensor] = {}
    for clip in clips(dataset, split):
        noise = white_noise(1, clip.audio.shape[-1], torch.Generator().manual_seed(0))
        analysed = render_dry(oracle_controls(clip.audio, clip.features, synthesiser), noise, **rates)
        played = instrument.stems(instrument.controls(clip.features), noise)
        dry = played["harmonic"] + played["filtered_noise"]
        parts = {
            "recording": clip.audio,
            "analysed harmonics": analysed.harmonic,
            "analysed noise": analysed.noise,
            "played harmonics": played["harmonic"],
            "played noise": played["filtered_noise"],
            "without the room": instrument.dry_gain() * dry,
            "in the room": instrument.room(dry),
        }
        for name, audio in parts.items():
            found[name] = found.get(name, 0.0) + octave_powers(audio, synthesiser.sample_rate)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instrument", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    arguments = parser.parse_args()
    found = powers(arguments.instrument, arguments.dataset, arguments.split)
    whole = power_to_db(found["recording"].sum())
    print(f"| octave from | {' | '.join(found)} |\n|{'---|' * (len(found) + 1)}")
    for index in range(len(found["recording"])):
        levels = [f"{power_to_db(power[index]) - whole:.1f}" for power in found.values()]
        print(f"| {LOWEST_HZ * 2**index:.0f} Hz | {' | '.join(levels)} |")


if __name__ == "__main__":
    main()
