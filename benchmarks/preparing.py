"""Turning recordings into a dataset, against real time: `swift` on one core, the default front end on two.

A process of its own for each number; what it does once (importing, loading networks, starting workers) counts
where the clock of the row sees it, as a first-time user waits for it, too. Importing alone does not.

    python benchmarks/preparing.py            table and results/latest.json, about two minutes
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import soundfile
import torch
from measuring import Row, compare_rates, in_turn, write_rows

from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition

ROUNDS, N_RECORDINGS = 3, 4
WAYS = {"swift, one core": ("swift", 1), "auto, one core": ("auto", 1), "auto, two cores": ("auto", 2)}
GOALS = {"swift, one core": (60.0, 100.0), "auto, two cores": (20.0, 60.0)}


def write_recordings(folder: Path) -> float:
    """The bundled violin, a little louder or quieter in each file; their length in all, seconds."""
    with as_file(files("luthier.apps") / "demo_audio" / "violin.flac") as source:
        phrase, sample_rate = soundfile.read(source, dtype="float32")
    for number, level in enumerate(np.linspace(0.5, 1.0, N_RECORDINGS)):
        soundfile.write(folder / f"{number}.flac", level * phrase, sample_rate)
    return N_RECORDINGS * len(phrase) / sample_rate


def measure(way: str) -> None:
    """Print seconds of sound for each second of CPU time of this process, and for each of the clock on the wall."""
    tracker, n_jobs = WAYS[way]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = write_recordings(folder)
        before, cpu_before = time.perf_counter(), time.process_time()
        prepare([folder], folder / "dataset", FeatureDefinition(tracker=tracker), n_jobs=n_jobs)
        wall, cpu = time.perf_counter() - before, time.process_time() - cpu_before
    print(json.dumps({"by_wall": seconds / wall, "by_cpu": seconds / cpu, "load": load}))


def all_rows() -> list[Row]:
    found = in_turn(__file__, {way: ["--which", way] for way in WAYS}, rounds=ROUNDS)
    rows = []
    for way, numbers in found.items():
        is_alone = WAYS[way][1] == 1
        speed = numbers["by_cpu" if is_alone else "by_wall"]
        note = "by CPU time" if is_alone else f"by wall clock; load {numbers['load']:.1f} before"
        name = f"preparing, {way}, against real time"
        rows.append(compare_rates(name, speed, 1.0, goals=GOALS.get(way), unit="x", note=note))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--which", choices=sorted(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which:
        measure(arguments.which)
    else:
        write_rows(all_rows(), "benchmarks/preparing.py")


if __name__ == "__main__":
    main()
