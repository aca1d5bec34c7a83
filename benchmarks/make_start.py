"""Makes a start: one network that plays several instruments, each in its own room and at its own pitch.

    python benchmarks/make_start.py OUTPUT DATASET ... [--steps 3000] [--seed 0] [--title T] [--credit C] [--licence L]

Each step learns from a batch of one dataset, all as often. Every instrument has biases of its own where its features
come in and where controls and expression go out: what tells it from the others. Their mean goes into the start, which
sounds like none of them. All parts of a dataset are used, validation and test too: a start must not have heard the
recordings that an instrument is scored on.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import nn

from luthier.data.dataset import Dataset
from luthier.data.process import keep_freed_memory
from luthier.data.windows import Batch, random_windows
from luthier.model.config import RoomConfig
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary, save_instrument
from luthier.training.schedule import Progress, learning_rate
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

PARTS = ("train", "validation", "test")
LOG_EVERY_STEPS = 100


class Source:
    """A dataset, an instrument that learns from it, and the biases that are this instrument's own."""

    def __init__(self, path: Path, network: Instrument | None, *, steps: int, seed: int) -> None:
        self.dataset = Dataset.open(path)
        overrides = {"steps": steps, "seed": seed, "start": "", "processes": 1, "pitch_doubt": 0.0}
        tables = settings_tables("fast", overrides=overrides)
        self.module, self.batches = build(self.dataset, resolve_settings(tables, self.dataset.definition))
        if network is not None:
            self.module.instrument.decoder, self.module.instrument.predictor = network.decoder, network.predictor
        self.module.instrument.train()
        layers = biased_layers(self.module.instrument)
        self.biases = [nn.Parameter(layer.get_parameter("bias").detach().clone()) for layer in layers]
        self.lengths = [sum(block.n_frames for block in self.dataset.blocks(part)) for part in PARTS]

    def batch(self, rng: random.Random) -> Batch:
        (part,) = rng.choices(PARTS, self.lengths)
        size = {"n_frames": self.batches.n_frames, "batch_size": self.module.config.batch_size}
        return random_windows(self.dataset, split=part, seed=self.module.config.seed, step=rng.getrandbits(31), **size)

    def loss(self, rng: random.Random) -> torch.Tensor:
        wear(self.module.instrument, self.biases)
        played = self.module.play_share(self.batch(rng))
        self.module.counter.steps += 1
        return played.loss + played.other_error


def biased_layers(instrument: Instrument) -> list[nn.Module]:
    """Where instruments differ: what comes out of each input's stack, and out of both networks."""
    assert instrument.predictor is not None
    norms = [stack[1] for stack in instrument.decoder.input_stacks if isinstance(stack, nn.Sequential)]
    return [*norms, instrument.decoder.head, instrument.predictor.head]


def wear(instrument: Instrument, biases: Sequence[nn.Parameter]) -> None:
    for layer, bias in zip(biased_layers(instrument), biases, strict=True):
        layer.bias = bias


def learn(sources: Sequence[Source], *, steps: int, seed: int) -> None:
    config, network = sources[0].module.config, sources[0].module.instrument
    shared = [*network.decoder.parameters(), *(network.predictor.parameters() if network.predictor else ())]
    own = chain.from_iterable(source.biases for source in sources)
    groups = [{"params": list(dict.fromkeys([*shared, *own])), "speed": 1.0}]
    for source in sources:
        room = source.module.instrument.room
        speeds = [room.learning_speeds.get(name, 1.0) for name, _ in room.named_parameters()]
        groups += [{"params": [value], "speed": speed} for value, speed in zip(room.parameters(), speeds, strict=True)]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=0.0, fused=True)
    everything = [value for group in groups for value in group["params"]]
    rng = random.Random(seed)
    for step in range(steps):
        optimizer.zero_grad()
        source = rng.choice(sources)
        loss = source.loss(rng)
        loss.backward()
        nn.utils.clip_grad_norm_(everything, config.gradient_clip)
        for group in optimizer.param_groups:
            group["lr"] = group["speed"] * learning_rate(config, Progress(step, 0.0, step / steps))
        if torch.isfinite(loss):
            optimizer.step()
        if (step + 1) % LOG_EVERY_STEPS == 0:
            print(f"step {step + 1}: {float(loss):.3f} ({source.dataset.path.name})", flush=True)


def as_start(sources: Sequence[Source]) -> Instrument:
    """The network with the mean of all biases, in an instrument without a room or recordings of its own."""
    taught = sources[0].module.instrument
    means = zip(*(source.biases for source in sources), strict=True)
    wear(taught, [nn.Parameter(torch.stack([*biases]).mean(dim=0)) for biases in means])
    start = Instrument(taught.config.model_copy(update={"preset": "start", "room": RoomConfig(kind="none")}))
    assert start.predictor is not None
    assert taught.predictor is not None
    start.decoder.load_state_dict(taught.decoder.state_dict())
    start.predictor.load_state_dict(taught.predictor.state_dict())
    return start


def whole_recordings(dataset: Dataset) -> Iterator[tuple[str, tuple[tuple[float, float]]]]:
    """Each recording's id, and that it was learned from beginning to end."""
    for recording in dataset.recordings:
        yield recording.id, ((0.0, recording.n_frames / dataset.definition.frame_rate),)


@keep_freed_memory()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    for name in ("title", "credit", "licence"):
        parser.add_argument(f"--{name}", default="")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sources: list[Source] = []
    for path in given.datasets:
        network = sources[0].module.instrument if sources else None
        sources.append(Source(path, network, steps=given.steps, seed=given.seed))
    learn(sources, steps=given.steps, seed=given.seed)
    summary = TrainingSummary(
        title=given.title,
        credit=given.credit,
        licence=given.licence,
        learned_from={name: passages for source in sources for name, passages in whole_recordings(source.dataset)},
    )
    save_instrument(given.output, as_start(sources), summary)


if __name__ == "__main__":
    main()
