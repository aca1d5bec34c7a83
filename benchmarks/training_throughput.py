"""Audio trained per CPU second: the `fast` preset as it trains by default beside the plain `string-along` step.

Ours holds everything that `luthier train` does in a step: batches, Lightning, the check for numbers that are not
finite, logging. The reference is the plain step alone (`training_step.py`), on the same material.

    python benchmarks/training_throughput.py [DATASET]    table and results/latest.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from bundled import dataset_folder
from fitting import fit
from measuring import Row, compare, compare_rates, cpu_seconds, in_turn, peak_mib, write_rows
from plain import SAMPLE_RATE, PlainInstrument, additive, multi_scale_loss, reverb, subtractive
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.windows import Batch
from luthier.dsp.signals import Controls
from luthier.model.instrument import white_noise
from luthier.training.batches import StepBatches
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

ROUNDS, REPEATS = 3, 3
STEPS, SETS = 30, 15
PARTS = ("decoder", "harmonic", "noise", "room", "loss")


def plain_batch(path: Path) -> tuple[Batch, Tensor]:
    """16 windows of 4 s, and their loudness with mean 0 and deviation 1."""
    dataset = Dataset.open(path)
    settings = resolve_settings(settings_tables("string-along"), dataset.definition)
    batch = StepBatches(dataset, settings.training)[0]
    found = dataset.statistics.loudness_db
    return batch, (batch.features.loudness_db - found.mean) / found.std


def plain_steps(path: Path) -> dict[str, float]:
    """Seconds of audio trained in a CPU second, and memory."""
    batch, loudness = plain_batch(path)
    model = PlainInstrument(100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before = peak_mib()

    def step() -> None:
        optimizer.zero_grad()
        multi_scale_loss(model(batch.features.f0_hz, loudness), batch.audio).backward()
        optimizer.step()

    times = cpu_seconds(step, repeats=REPEATS)
    seconds = sorted(times)[len(times) // 2]
    return {"rate": batch.audio.numel() / SAMPLE_RATE / seconds, "seconds": seconds, "mib": peak_mib() - before}


def fast_steps(path: Path) -> dict[str, float]:
    found = fit(path, "fast", steps=STEPS)
    return {"rate": found.audio_seconds / found.cpu, "seconds": found.cpu, "mib": found.mib}


def plain_parts(path: Path) -> dict[str, float]:
    """CPU seconds of each part, forward and backward."""
    batch, loudness = plain_batch(path)
    model, f0_hz = PlainInstrument(100), batch.features.f0_hz
    amplitude, distribution, magnitudes = (value.detach() for value in model.controls(f0_hz, loudness))
    sound = 0.1 * torch.randn_like(batch.audio)
    works = {
        "decoder": lambda: torch.cat(model.controls(f0_hz, loudness), dim=-1),
        "harmonic": lambda: additive(f0_hz, _leaf(amplitude), _leaf(distribution)),
        "noise": lambda: subtractive(_leaf(magnitudes)),
        "room": lambda: reverb(_leaf(sound), torch.tanh(model.taps)),
        "loss": lambda: multi_scale_loss(_leaf(sound), batch.audio),
    }
    return timed(works, batch)


def our_parts(path: Path, preset: str) -> dict[str, float]:
    """CPU seconds of each part with the preset's own batch and loss, forward and backward."""
    dataset = Dataset.open(path)
    module, batches = build(dataset, resolve_settings(settings_tables(preset), dataset.definition))
    instrument, batch, steps = module.instrument, batches[0], iter(range(1 << 30))
    noise = white_noise(*batch.audio.shape, torch.Generator().manual_seed(0))
    controls = Controls(*(value.detach() for value in instrument.controls(batch.features)))
    sound = instrument.dry(controls, noise).detach()
    synths = {synth.synth.kind: synth for synth in instrument.synths}
    rounds = module._rounds_matrices()

    def decoder() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=rounds):
            return torch.cat(instrument.controls(batch.features)[1:], dim=-1)

    works = {
        "decoder": decoder,
        "harmonic": lambda: synths["harmonic"].render(_leaves(controls), noise),
        "noise": lambda: synths["filtered_noise"].render(_leaves(controls), noise),
        "room": lambda: instrument.room(_leaf(sound)),
        "loss": lambda: module.loss(_leaf(sound), batch.audio, next(steps)),
    }
    return timed(works, batch)


def timed(works: dict[str, Callable[[], Tensor]], batch: Batch) -> dict[str, float]:
    """Mean CPU seconds of each part for a second of audio.

    The mean, because some parts do not do the same in every step.
    """
    seconds = batch.audio.numel() / SAMPLE_RATE
    found = {}
    for name, work in works.items():
        like = torch.randn_like(work())
        times = cpu_seconds(lambda work=work, like=like: work().backward(like), repeats=SETS if seconds < 30 else 4)
        found[name] = sum(times) / len(times) / seconds
    return found


def _leaf(value: Tensor) -> Tensor:
    return value.detach().requires_grad_()


def _leaves(controls: Controls) -> Controls:
    return Controls(controls.f0_hz, *(_leaf(value) for value in controls[1:]))


def all_rows(path: Path) -> list[Row]:
    whole = in_turn(__file__, {name: [str(path), "--which", name] for name in ("plain", "fast")}, rounds=ROUNDS)
    names = ("plain-parts", "string-along-parts", "fast-parts")
    parts = in_turn(__file__, {name: [str(path), "--which", name] for name in names}, rounds=ROUNDS)
    print_parts({name: parts[name] for name in names})
    ours, reference = whole["fast"], whole["plain"]
    rows = [
        compare_rates(
            "fast: audio seconds trained per CPU second", ours["rate"], reference["rate"], goals=(20.0, 40.0), unit="x"
        ),
        compare("fast: memory of a training step", ours["mib"], reference["mib"], unit="MiB"),
    ]
    for preset in ("string-along", "fast"):
        for part in PARTS:
            name = f"{preset}: {part}, CPU seconds for a second of audio"
            rows.append(compare(name, parts[f"{preset}-parts"][part], parts["plain-parts"][part]))
    return rows


def print_parts(parts: dict[str, dict[str, float]]) -> None:
    """CPU milliseconds for a second of audio, and shares."""
    print(f"{'CPU ms for 1 s of audio':28s}" + "".join(f"{part:>16s}" for part in (*PARTS, "sum")))
    for name, found in parts.items():
        total = sum(found.values())
        cells = [f"{1000 * found[part]:8.2f} ({found[part] / total:4.0%})" for part in PARTS]
        print(
            f"{name.removesuffix('-parts'):28s}" + "".join(f"{cell:>16s}" for cell in cells) + f"{1000 * total:16.2f}"
        )


WORK: dict[str, Callable[[Path], dict[str, float]]] = {
    "plain": plain_steps,
    "fast": fast_steps,
    "plain-parts": plain_parts,
    "string-along-parts": lambda path: our_parts(path, "string-along"),
    "fast-parts": lambda path: our_parts(path, "fast"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?", help="folder made by `luthier prepare`; or the bundled violin")
    parser.add_argument("--which", choices=sorted(WORK), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which:
        print(json.dumps(WORK[arguments.which](arguments.dataset)))
        return
    with dataset_folder(arguments.dataset) as path:
        write_rows(all_rows(path), "benchmarks/training_throughput.py")


if __name__ == "__main__":
    main()
