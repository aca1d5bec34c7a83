"""Does rounding the network's matrix products to bfloat16 change what is learned?

Trains `string-along` twice on the same windows, from the same weights, and a third time in float32 with other
noise, and prints the three loss curves: rounding must matter less than the noise does. The batches are the preset's
own: with small ones, a loss of pitch that held the training up did not show.

    python benchmarks/precision.py DATASET [--steps 60]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from luthier.data.dataset import Dataset
from luthier.model.instrument import white_noise
from luthier.training.losses import build_loss
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

EVERY = 10


def curve(dataset: Dataset, n_steps: int, *, rounded: bool, noise_seed: int) -> list[float]:
    """Mean loss of every `EVERY` steps."""
    settings = resolve_settings(settings_tables("string-along"), dataset.definition)
    module, batches = build(dataset, settings)
    instrument, loss = module.instrument, build_loss(settings.training, dataset.definition.sample_rate)
    optimizer = torch.optim.Adam(instrument.parameters(), lr=settings.training.learning_rate)
    generator, losses = torch.Generator().manual_seed(noise_seed), []
    for step in range(n_steps):
        batch = batches[step]
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            controls = instrument.controls(batch.features)
        output = instrument.room(instrument.dry(controls, white_noise(*batch.audio.shape, generator)))
        value = loss(output, batch.audio, step)
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    return [sum(losses[start : start + EVERY]) / EVERY for start in range(0, n_steps, EVERY)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    dataset = Dataset.open(arguments.dataset)
    runs = {"float32": (False, 0), "bfloat16": (True, 0), "float32, other noise": (False, 1)}
    for name, (rounded, noise_seed) in runs.items():
        losses = curve(dataset, arguments.steps, rounded=rounded, noise_seed=noise_seed)
        print(f"{name:22s}" + "".join(f"{value:9.3f}" for value in losses), flush=True)


if __name__ == "__main__":
    main()
