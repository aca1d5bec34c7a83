"""What each choice in the preset `fast` is worth: the preset, and variants of it that differ in a line or two.

Every variant is a file in benchmarks/ablations/. All train for the same number of steps from the same seed on one
thread and are scored on the validation part: the test part is kept for the instrument that is chosen in the end.

    python benchmarks/ablations.py DATASET [--steps 1000] [NAME ...]    a table in Markdown, a line as each is done
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from luthier.data.dataset import Dataset
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.scores import Evaluation
from luthier.model.instrument_file import load_instrument
from luthier.training.run import train

VARIANTS = Path(__file__).parent / "ablations"
METRICS = ("mss_rel", "mel_db", "loudness_db_l1")


def variant_names() -> list[str]:
    return sorted(path.stem for path in VARIANTS.glob("*.toml"))


def score(dataset: Path, name: str, steps: int) -> tuple[Evaluation, float]:
    """Train a variant and score it: the scores, and the CPU seconds of training."""
    config = None if name == "fast" else VARIANTS / f"{name}.toml"
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        output = Path(folder) / "variant.safetensors"
        train(dataset, output, config_file=config, steps=steps, listen_every_epochs=0)
        seconds = time.process_time() - started
        instrument = load_instrument(output).instrument
    return evaluate(instrument, Dataset.open(dataset), split="validation"), seconds


def row(name: str, scores: Evaluation, seconds: float) -> str:
    cells = [name]
    for metric in METRICS:
        found = scores.framed[metric]
        own = "" if found.predicted_gap is None else f" / {found.predicted_gap:.3f}"
        cells.append(f"{found.gap:.3f}{own}")
    return f"| {' | '.join([*cells, f'{seconds:.0f}'])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(['fast', *variant_names()])}; or all")
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"Gap on validation after {arguments.steps} steps, expression of the recording / the instrument's own:\n")
    print(f"| variant | {' | '.join(METRICS)} | CPU s |\n|---|---|---|---|---|")
    for name in arguments.names or ["fast", *variant_names()]:
        print(row(name, *score(arguments.dataset, name, arguments.steps)), flush=True)


if __name__ == "__main__":
    main()
