"""CPU seconds until `fast` is as good as the plain `string-along` after N steps: same recordings, same validation.

Both play the same held-out windows, compared by the same `mss_rel`; validating costs neither of them anything.
`fast` trains as `luthier train` does, with its default budget of ten minutes, and is done at the first of two
validations in a row that are as good. Starting Python and preparing the recordings are not counted.

The plain side takes about 8 CPU seconds a step. It keeps its curve and its weights in results/ as it goes: stop
it when you like, and the same command goes on from there, or uses the curve if it is long enough. The curve
belongs to one dataset and one processor; for others it starts again.

    python benchmarks/time_to_quality.py [DATASET] [--steps 300]    table and results/latest.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from bundled import dataset_folder
from measuring import RESULTS, Row, compare, machine, write_rows
from plain import PlainInstrument, multi_scale_loss
from torch import Tensor

from luthier.atomic import atomic_file
from luthier.data.dataset import Dataset
from luthier.data.windows import sequential_windows
from luthier.dsp.signals import Features
from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance
from luthier.model.instrument import white_noise
from luthier.training.batches import StepBatches
from luthier.training.finite import is_finite
from luthier.training.schedule import Progress, learning_rate
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

GOALS = (30.0, 100.0)
PLAIN_EVERY, OUR_EVERY = 10, 5
"""Steps from one validation to the next."""
MOST_STEPS = 3000
WINDOW_SECONDS, BATCH = 4.0, 8

Play = Callable[[Features, Tensor], Tensor]


class Point(NamedTuple):
    """A validation: steps and CPU seconds of training before it, and its `mss_rel`."""

    step: int
    cpu_seconds: float
    mss_rel: float


@torch.no_grad()
def validate(play: Play, dataset: Dataset) -> float:
    """Mean `mss_rel` of the validation blocks, longer windows counting for more; always the same noise."""
    scales = SpectralScales.relative(dataset.definition.sample_rate)
    length, generator = round(WINDOW_SECONDS * dataset.definition.frame_rate), torch.Generator().manual_seed(1)
    total = weight = 0.0
    for placed in sequential_windows(dataset, split="validation", n_frames=length, batch_size=BATCH):
        target = placed.batch.audio
        output = play(placed.batch.features, white_noise(*target.shape, generator))
        for row, block in enumerate(placed.blocks):
            samples = slice(block.n_frames * dataset.definition.hop_length)
            score = multi_scale_distance(output[row : row + 1, samples], target[row : row + 1, samples], scales)
            total, weight = total + block.n_frames * float(score), weight + block.n_frames
    return total / weight


class Cache:
    """The plain side's curve and, while it is unfinished, what it needs to go on."""

    def __init__(self, dataset: Dataset) -> None:
        ids = sorted(recording.id for recording in dataset.recordings)
        self.owner = {"recordings": ids, "processor": machine()["processor"], "seed": 0}
        self.curve_path, self.state_path = RESULTS / "plain_curve.json", RESULTS / "plain_state.pt"

    def read(self) -> list[Point]:
        """The points so far; none if they belong to something else."""
        if not self.curve_path.is_file():
            return []
        content = json.loads(self.curve_path.read_text())
        return [Point(*point) for point in content["points"]] if content["owner"] == self.owner else []

    def write(self, points: list[Point], state: dict[str, Any]) -> None:
        """Lay down both; each file is whole or not there."""
        RESULTS.mkdir(exist_ok=True)
        with atomic_file(self.state_path, force=True) as temporary:
            torch.save(state | {"step": points[-1].step}, temporary)
        with atomic_file(self.curve_path, force=True) as temporary:
            temporary.write_text(json.dumps({"owner": self.owner, "points": points}) + "\n")


def plain_curve(dataset: Dataset, n_steps: int) -> list[Point]:
    """Train the plain `string-along` for so many steps, or go on doing so."""
    cache = Cache(dataset)
    points = cache.read()
    if points and points[-1].step >= n_steps:
        return points
    settings = resolve_settings(settings_tables("string-along"), dataset.definition)
    batches, found = StepBatches(dataset, settings.training), dataset.statistics.loudness_db
    torch.manual_seed(0)
    model = PlainInstrument(settings.instrument.n_harmonics)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    points = _resume(cache, points, model, optimizer)
    step, cpu = (points[-1].step, points[-1].cpu_seconds) if points else (0, 0.0)

    def play(features: Features, _: Tensor | None = None) -> Tensor:
        return model(features.f0_hz, (features.loudness_db - found.mean) / found.std)

    while step < n_steps:
        started = time.process_time()
        for _ in range(min(PLAIN_EVERY, n_steps - step)):
            batch = batches[step]
            optimizer.zero_grad()
            multi_scale_loss(play(batch.features), batch.audio).backward()
            optimizer.step()
            step += 1
        cpu += time.process_time() - started
        points.append(Point(step, cpu, _validate_plain(play, dataset)))
        cache.write(points, {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
        _say("plain", points[-1])
    return points


def _resume(cache: Cache, points: list[Point], model: PlainInstrument, optimizer: torch.optim.Optimizer) -> list[Point]:
    """Load what the last point left behind; without it, start again."""
    if not points or not cache.state_path.is_file():
        return []
    state = torch.load(cache.state_path, weights_only=True)
    if state["step"] != points[-1].step:
        return []
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.manual_seed(state["step"])  # the noise of the steps to come
    return points


def _validate_plain(play: Play, dataset: Dataset) -> float:
    """The plain model draws its own noise: the same in every validation, and training does not notice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return validate(play, dataset)


def our_curve(dataset: Dataset, goal: float) -> list[Point]:
    """Train `fast` with its own settings, but from chance, until two validations in a row are as good as the goal."""
    settings = resolve_settings(settings_tables("fast", overrides={"start": ""}), dataset.definition)
    module, batches = build(dataset, settings)
    instrument, config = module.instrument, settings.training
    optimizer, gradients = module.configure_optimizers(), module.row.gradients
    generator = torch.Generator().manual_seed(config.seed)
    _say("fast", Point(0, 0.0, validate(instrument.eval(), dataset)))  # what it knows before it has learned
    instrument.train()
    points, cpu, started = [], 0.0, time.process_time()
    for step in range(MOST_STEPS):
        batch = batches[step]
        module.zero_grad()
        output = instrument(batch.features, white_noise(*batch.audio.shape, generator))
        loss = module.loss(output, batch.audio, step)
        loss.backward()
        if is_finite(loss, gradients):
            # CPU seconds stand for minutes of the budget: the same learning rates on a busy machine.
            used = (cpu + time.process_time() - started) / (60.0 * (config.minutes or 10.0))
            for group in optimizer.param_groups:
                group["lr"] = group["speed"] * learning_rate(
                    config, Progress(step, step / batches.steps_per_epoch, used)
                )
            gradients.mul_((config.gradient_clip / gradients.norm()).clamp_max(1.0))
            optimizer.step()
        if (step + 1) % OUR_EVERY == 0:
            cpu += time.process_time() - started
            instrument.eval()
            points.append(Point(step + 1, cpu, validate(instrument, dataset)))
            instrument.train()
            _say("fast", points[-1])
            if first_of_two(points, goal) is not None:
                break
            started = time.process_time()
    return points


def first_of_two(points: list[Point], goal: float) -> Point | None:
    """The first point that is as good as the goal and whose next one is, too."""
    for point, following in pairwise(points):
        if max(point.mss_rel, following.mss_rel) <= goal:
            return point
    return None


def _say(name: str, point: Point) -> None:
    print(
        f"{name:6s} step {point.step:4d}  {point.cpu_seconds:8.1f} CPU s  validation mss_rel {point.mss_rel:.3f}",
        flush=True,
    )


def all_rows(dataset: Dataset, n_steps: int) -> list[Row]:
    at = next(point for point in plain_curve(dataset, n_steps) if point.step >= n_steps)
    reached = first_of_two(our_curve(dataset, at.mss_rel), at.mss_rel)
    if reached is None:
        print(f"fast did not reach {at.mss_rel:.3f} in {MOST_STEPS} steps")
        return []
    return [
        compare(
            f"fast: CPU seconds to plain string-along's mss_rel after {at.step} steps",
            reached.cpu_seconds,
            at.cpu_seconds,
            goals=GOALS if at.step >= 300 else None,
            note=f"mss_rel {at.mss_rel:.3f}; fast at step {reached.step}: {reached.mss_rel:.3f}",
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?", help="folder made by `luthier prepare`; or the bundled violin")
    parser.add_argument("--steps", type=int, default=300, help="steps of the plain side to be as good as")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with dataset_folder(arguments.dataset) as path:
        write_rows(all_rows(Dataset.open(path), arguments.steps), "benchmarks/time_to_quality.py")


if __name__ == "__main__":
    main()
