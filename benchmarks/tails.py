"""Whose is the tail of a note, the player's or the room's? Levels where recordings fall freely, against the recording.

In all free decays of a dataset (of recordings in the same room that the instrument never heard, say), the sound without
the room should lie far below the recording, and the sound in the room as high.

    python benchmarks/tails.py INSTRUMENT.safetensors DATASET      a table, quartiles over frames, dB
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from luthier.analysis.room_decay import find_free_decays, quiet_level_db
from luthier.data.dataset import Dataset
from luthier.dsp.signals import Features
from luthier.evaluation.material import clips
from luthier.model.instrument import white_noise
from luthier.model.instrument_file import load_instrument
from luthier.units import power_to_db

WINDOW_FRAMES = 4
QUARTILES = torch.tensor([0.25, 0.5, 0.75])


def frame_levels_db(audio: Tensor, hop_length: int) -> Tensor:
    """(n_frames,), level of the frames of (1, n_samples), each with the three that follow it."""
    return power_to_db(audio[0].square().unfold(0, WINDOW_FRAMES * hop_length, hop_length).mean(dim=1) + 1e-12)


@torch.no_grad()
def tails(instrument_path: Path, dataset_path: Path) -> dict[str, Tensor]:
    """In free decays: level without the room and in it, dB above the recording's, (n_frames,) each."""
    instrument, dataset = load_instrument(instrument_path).instrument, Dataset.open(dataset_path)
    rates = dataset.definition
    parts = [clip for split in ("train", "validation", "test") for clip in clips(dataset, split)]
    quiet_db = quiet_level_db(torch.cat([clip.features.loudness_db.flatten() for clip in parts]))
    found: dict[str, list[Tensor]] = {"without the room": [], "in the room": []}
    for clip in parts:
        features = Features(*(values[0, :, 0] for values in clip.features[:3]))
        is_free = find_free_decays(features, frame_rate=rates.frame_rate, quiet_db=quiet_db)
        noise = white_noise(1, clip.audio.shape[-1], torch.Generator().manual_seed(0))
        dry = instrument.dry(instrument.controls(clip.features), noise)
        recorded_db = frame_levels_db(clip.audio, rates.hop_length)
        sounds = {"without the room": instrument.dry_gain() * dry, "in the room": instrument.room(dry)}
        for name, sound in sounds.items():
            above_db = frame_levels_db(sound, rates.hop_length) - recorded_db
            found[name].append(above_db[is_free[: len(above_db)]])
    return {name: torch.cat(levels) for name, levels in found.items()}


def main() -> None:
    """Print a row for each way to listen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instrument", type=Path)
    parser.add_argument("dataset", type=Path)
    arguments = parser.parse_args()
    print("| against the recording, dB | frames | quarter below | median | quarter above |\n|---|---|---|---|---|")
    for name, levels_db in tails(arguments.instrument, arguments.dataset).items():
        quartiles = levels_db.quantile(QUARTILES).tolist() if len(levels_db) else []
        print(f"| {name} | {len(levels_db)} | {' | '.join(f'{value:.1f}' for value in quartiles)} |")


if __name__ == "__main__":
    main()
