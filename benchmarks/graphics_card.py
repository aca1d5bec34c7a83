"""Training `string-along` on a graphics card: minutes that 100 epochs of 5,000 clips would take, from measured steps.

    python benchmarks/graphics_card.py [DATASET] [--steps 300]     table and results/latest.json

Before that, one batch is learned from on the card and on the CPU, from the same weights and noise: loss and gradients
have to agree. `--accelerator cpu` runs the script where there is no card, to see that it works.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from bundled import dataset_folder
from fitting import fit
from measuring import Row, compare, write_rows

from luthier.data.dataset import Dataset
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

PRESET, CLIPS = "string-along", 100 * 5000
GOALS_MINUTES = (20.0, 8.0)
LOSS_AGREES, GRADIENT_AGREES = 1e-4, 1e-2
"""Relative: float32 sums in another order, through six spectrograms and their logarithms."""


def learned(path: Path, device: str) -> tuple[float, torch.Tensor]:
    """Loss and gradients of the first batch, in full precision."""
    dataset = Dataset.open(path)
    tables = settings_tables(PRESET, overrides={"precision": "float32", "batch_size": 4})
    module, batches = build(dataset, resolve_settings(tables, dataset.definition))
    module.to(device)
    batch = module.transfer_batch_to_device(batches[0], torch.device(device), 0)
    played = module.play_share(batch)
    played.loss.backward()
    gradients = [value.grad.flatten().cpu() for value in module.weights() if value.grad is not None]
    return float(played.loss.detach()), torch.cat(gradients)


def check_against_cpu(path: Path, device: str) -> str:
    """How far the device is from the CPU; an error if that is too far."""
    (loss, gradients), (expected_loss, expected) = learned(path, device), learned(path, "cpu")
    off, gradients_off = abs(loss / expected_loss - 1.0), float((gradients - expected).norm() / expected.norm())
    found = f"against the CPU: loss off by {off:.1e}, gradients by {gradients_off:.1e}"
    if off > LOSS_AGREES or gradients_off > GRADIENT_AGREES:
        raise SystemExit(f"{device} {found}: expected at most {LOSS_AGREES:g} and {GRADIENT_AGREES:g}")
    return found


def row(path: Path, accelerator: str, steps: int) -> Row:
    device = "cuda" if accelerator == "gpu" else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    note = f"{name}; wall clock, from the median of {steps} steps; {check_against_cpu(path, device)}"
    batch_size = resolve_settings(settings_tables(PRESET), Dataset.open(path).definition).training.batch_size
    seconds = fit(path, PRESET, steps=steps, accelerator=accelerator).wall
    minutes = CLIPS / batch_size * seconds / 60.0
    at_least, aim = GOALS_MINUTES
    goals = (1.0, at_least / aim)  # how many times better than what is asked for
    return compare(f"{PRESET}: 100 epochs of 5,000 clips", minutes, at_least, goals=goals, unit="min", note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--accelerator", choices=["gpu", "cpu"], default="gpu")
    arguments = parser.parse_args()
    if arguments.accelerator == "gpu" and not torch.cuda.is_available():
        raise SystemExit("no graphics card that torch can use was found. Try --accelerator cpu --steps 3.")
    with dataset_folder(arguments.dataset) as path:
        found = row(path, arguments.accelerator, arguments.steps)
    if arguments.accelerator == "gpu":
        write_rows([found], "benchmarks/graphics_card.py")
    else:
        print(found)


if __name__ == "__main__":
    main()
