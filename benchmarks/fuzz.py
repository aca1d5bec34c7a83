"""Files from strangers: a million damaged ones, of which each is read or refused with an error of ours.

    python benchmarks/fuzz.py [--inputs 1000000] [--seed 0] [--only NAME]

A finding is any other exception, a message of several lines, an input that takes longer than `LONGEST_SECONDS`, or
more memory than `MEMORY_BYTES` above what the process began with. It is printed with the seed that makes it again.
With `--atheris` (pip install atheris) the mutations are guided by coverage instead, for one target by name.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

RESULTS = ROOT / "benchmarks" / "results" / "fuzz.json"
SHARES = {
    "instrument header": 0.55, "instrument file": 0.04, "manifest": 0.1, "array": 0.13, "dataset": 0.03, "sound container": 0.15,
}  # fmt: skip
"""Cheap ones often."""
LONGEST_SECONDS = 5.0
MEMORY_BYTES = 1 << 30


class Outcome(NamedTuple):
    inputs: int
    refused: int
    findings: list[str]
    slowest_seconds: float
    seconds: float


def fuzz(name: str, count: int, seed: int, folder: Path) -> Outcome:
    from strangers.targets import make_targets

    target = make_targets(folder)[name]
    findings: list[str] = []
    refused, slowest, began = 0, 0.0, time.monotonic()
    for index in range(count):
        number, start = seed + index, time.process_time()
        try:
            refused += target(random.Random(number))
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            findings.append(f"seed {number}: {error!r:.200} in {Path(where.filename).name}:{where.lineno}")
            print(name, findings[-1], flush=True)
        took = time.process_time() - start
        slowest = max(slowest, took)
        if took > LONGEST_SECONDS:
            findings.append(f"seed {number}: took {took:.1f} s")
    return Outcome(count, refused, findings, round(slowest, 3), round(time.monotonic() - began, 1))


def limit_memory() -> None:
    """Let this process have so much more than it has: an input that wants more fails with MemoryError."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))


def guided(name: str, runs: int, folder: Path) -> None:
    """Coverage decides which random numbers are tried next; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["luthier.data", "luthier.model", "json"]):
        from strangers.targets import make_targets
    target = make_targets(folder)[name]

    class Numbers(random.Random):
        """Random numbers that are read from the fuzzer's bytes."""

        def __init__(self, data: bytes) -> None:
            super().__init__(0)
            self.given = atheris.FuzzedDataProvider(data)

        def random(self) -> float:
            return self.given.ConsumeIntInRange(0, (1 << 16) - 1) / (1 << 16)

        def getrandbits(self, k: int) -> int:
            return self.given.ConsumeIntInRange(0, (1 << k) - 1) if self.given.remaining_bytes() else 0

        def randbytes(self, n: int) -> bytes:
            return self.given.ConsumeBytes(n).ljust(n, b"\0")

    def try_one(data: bytes) -> None:
        target(Numbers(data))

    atheris.Setup([sys.argv[0], f"-runs={runs}", "-max_len=256", "-timeout=5", "-rss_limit_mb=3000"], try_one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=SHARES, action="append")
    parser.add_argument("--atheris", action="store_true")
    options = parser.parse_args()
    logging.disable()  # thousands of old datasets say that they are brought up to date
    import luthier.model.instrument_file  # noqa: F401 - torch is loaded before memory is limited

    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        if options.atheris:
            guided((options.only or ["instrument header"])[0], options.inputs, Path(name))
        limit_memory()
        outcomes = {
            target: fuzz(target, round(SHARES[target] * options.inputs), options.seed, Path(name))
            for target in options.only or SHARES
        }
    found = {"seed": options.seed, "inputs": sum(each.inputs for each in outcomes.values())}
    document = found | {"targets": {target: each._asdict() for target, each in outcomes.items()}}
    print(json.dumps(document, indent=1))
    if not options.only:
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if any(each.findings for each in outcomes.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
