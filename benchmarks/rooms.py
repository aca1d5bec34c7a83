"""Does an instrument learn the room of its recordings? Notes of known sound in measured rooms, trained and compared.

python benchmarks/rooms.py ROOM.flac ... [--steps 800]

The true and the learned room are measured in the same way, above 250 Hz: the notes, from 196 Hz, hold next to nothing
below, and measured rooms ring longest there.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from luthier.data.audio_files import load_audio, save_audio
from luthier.data.prepare import prepare
from luthier.data.synthetic import SyntheticInstrument, synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.evaluation.room import decay_curve_error_db, room_scores
from luthier.model.instrument_file import load_instrument
from luthier.training.run import RunOptions, train

SECONDS = 150.0
PEAK = 0.8
SAMPLE_RATE = 16000
LOWEST_HZ = 250.0


def measured_room(path: Path, sample_rate: int) -> Tensor:
    """An impulse response from its strongest tap on, which becomes 1: (n_taps,)."""
    response = load_audio(path, sample_rate)[0][0]
    response = response[int(response.abs().argmax()) :]
    return response / response[0]


def play(response: Tensor, folder: Path) -> SyntheticInstrument:
    """Play notes in a room and prepare a dataset of them in `folder/dataset`."""
    definition = FeatureDefinition()
    played = synthetic_instrument(definition, response, torch.Generator().manual_seed(1), seconds=SECONDS)
    save_audio(folder / "notes.wav", PEAK * played.audio / played.audio.abs().max(), definition.sample_rate)
    prepare([folder / "notes.wav"], folder / "dataset", definition, n_jobs=1)
    return played


def learned_room(folder: Path, steps: int) -> Tensor:
    """The impulse response of an instrument after a short training: (n_taps,)."""
    train(
        folder / "dataset",
        folder / "room.safetensors",
        options=RunOptions(force=True),
        steps=steps,
        listen_every_epochs=0,
        **{"room.kind": "decaying_taps", "room.seconds": 2.0},
    )
    return load_instrument(folder / "room.safetensors").instrument.room.impulse_response().detach()


def audible(response: Tensor) -> Tensor:
    """What the notes say of a response: above 250 Hz, (n_taps,)."""
    n_fft = 2 * len(response)
    power = (torch.fft.rfftfreq(n_fft, 1.0 / SAMPLE_RATE) / LOWEST_HZ) ** 4
    spectrum = torch.fft.rfft(response.double(), n_fft) * power / (1.0 + power)
    return torch.fft.irfft(spectrum, n_fft)[: len(response)]


def main() -> None:
    """Print a row for each room."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="+", type=Path)
    parser.add_argument("--steps", type=int, default=800)
    arguments = parser.parse_args()
    print("| room | T60, s: true | learned | DRR, dB: true | learned | decay curve off by, dB |")
    print("|---|---|---|---|---|---|")
    for path in arguments.rooms:
        with tempfile.TemporaryDirectory() as folder:
            played = play(measured_room(path, SAMPLE_RATE), Path(folder))
            found = audible(learned_room(Path(folder), arguments.steps))
        true = audible(played.impulse_response)
        (t60, drr), (t60_found, drr_found) = room_scores(true, SAMPLE_RATE), room_scores(found, SAMPLE_RATE)
        off_db = decay_curve_error_db(found, true)
        print(f"| {path.stem} | {t60:.2f} | {t60_found:.2f} | {drr:.1f} | {drr_found:.1f} | {off_db:.1f} |", flush=True)


if __name__ == "__main__":
    main()
