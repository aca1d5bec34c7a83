"""The spectral distance, forward and backward: ours beside the plain one with autograd, 16 clips of 4 s.

python benchmarks/loss.py            table and results/latest.json
"""

from __future__ import annotations

import argparse
import json

import torch
from measuring import Row, compare, cpu_seconds, in_turn, peak_mib, write_rows
from plain import multi_scale_loss

from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance

BATCH, N_SAMPLES = 16, 64000
ROUNDS, REPEATS = 3, 5
LOSSES = {
    "plain": multi_scale_loss,
    "mss": lambda output, target: multi_scale_distance(output, target).mean(),
    "mss_rel": lambda output, target: multi_scale_distance(output, target, SpectralScales.relative()).mean(),
}


def measure(which: str) -> dict[str, float]:
    """CPU seconds, peak memory beyond the clips, and the value, in which both sides must agree."""
    torch.manual_seed(0)
    target = 0.1 * torch.randn(BATCH, N_SAMPLES)
    output = (0.1 * torch.randn(BATCH, N_SAMPLES)).requires_grad_()
    before = peak_mib()

    def work() -> None:
        output.grad = None
        LOSSES[which](output, target).backward()

    times = cpu_seconds(work, repeats=REPEATS)
    value = float(LOSSES[which](output, target).detach())
    return {"seconds": sorted(times)[len(times) // 2], "mib": peak_mib() - before, "value": value}


def all_rows() -> list[Row]:
    found = in_turn(__file__, {which: ["--which", which] for which in LOSSES}, rounds=ROUNDS)
    assert abs(found["mss"]["value"] - found["plain"]["value"]) < 1e-3, "both sides must measure the same"
    reference, rows = found["plain"], []
    for which in ("mss", "mss_rel"):
        rows.append(compare(f"loss {which}, forward and backward", found[which]["seconds"], reference["seconds"]))
        rows.append(compare(f"loss {which}, memory", found[which]["mib"], reference["mib"], unit="MiB"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--which", choices=sorted(LOSSES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which:
        print(json.dumps(measure(arguments.which)))
    else:
        write_rows(all_rows(), "benchmarks/loss.py")


if __name__ == "__main__":
    main()
