"""One core against two, training `fast`: one thread, two threads, two processes (`training/companion.py`).

Wall clock tells only on an idle machine, so that each row notes the load while it was measured: what others
kept the cores busy with. The second kind of row holds the CPU time of the main thread (of the first process).

    python benchmarks/two_cores.py [DATASET] [--preset fast]    table and results/latest.json
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from bundled import dataset_folder
from fitting import fit
from measuring import Row, compare, in_turn, write_rows

ROUNDS, STEPS = 5, 60
GOALS = (1.6, 1.9)
WAYS = {"one thread": (1, 1), "two threads": (2, 1), "two processes": (1, 2)}


def load() -> float:
    """Processes that wanted a core in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def measure(path: Path, preset: str, way: str) -> dict[str, float]:
    """Median seconds of a step."""
    busy = load()
    threads, processes = WAYS[way]
    found = fit(path, preset, steps=STEPS, threads=threads, processes=processes)
    return {"wall": found.wall, "thread": found.thread, "cpu": found.cpu, "load": busy}


def all_rows(path: Path, preset: str) -> list[Row]:
    variants = {way: [str(path), "--preset", preset, "--which", way] for way in WAYS}
    before = load()
    found = in_turn(__file__, variants, rounds=ROUNDS)
    one = found["one thread"]
    rows = []
    for way in ("two threads", "two processes"):
        note = f"load {before:.1f} before this script, {found[way]['load']:.1f} while it ran; one thread's own is 1"
        rows.append(
            compare(
                f"{preset} on two cores, {way}: wall clock", found[way]["wall"], one["wall"], goals=GOALS, note=note
            )
        )
        rows.append(
            compare(f"{preset} on two cores, {way}: CPU, main thread", found[way]["thread"], one["thread"], note=note)
        )
    best = max(rows[::2], key=lambda row: row.ratio)
    print(f"Best by wall clock: {best.name}, {best.ratio:.2f} times as fast as one thread.")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?", help="folder made by `luthier prepare`; or the bundled violin")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--which", choices=sorted(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.which:
        print(json.dumps(measure(arguments.dataset, arguments.preset, arguments.which)))
        return
    with dataset_folder(arguments.dataset) as path:
        write_rows(all_rows(path, arguments.preset), "benchmarks/two_cores.py")


if __name__ == "__main__":
    main()
