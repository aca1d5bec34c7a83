"""Several processes learn what one would: they share a batch and sum their gradients through gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

SCRIPT = Path(__file__).parent / "steps_in_processes.py"
N_STEPS = 4


def trained(dataset: Path, output: Path, n_processes: int) -> list[dict[str, dict[str, Tensor]]]:
    """The weights that each process began and ended with."""
    command = [sys.executable, SCRIPT, dataset, output, n_processes, N_STEPS]
    environment = os.environ | {"MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    found = [torch.load(f"{output}.{rank}", weights_only=True) for rank in range(n_processes)]
    assert all(one["skipped"] == [] for one in found)
    return found


@pytest.mark.slow
def test_two_processes_learn_the_weights_of_one(dataset_path: Path, tmp_path: Path) -> None:
    (one,) = trained(dataset_path, tmp_path / "one", 1)
    first, second = trained(dataset_path, tmp_path / "two", 2)
    moved = difference = 0.0
    for name, weight in one["weights"].items():
        torch.testing.assert_close(second["weights"][name], first["weights"][name], rtol=0, atol=0)
        # Nothing differs but the order of sums in double precision, which Adam makes larger where gradients are tiny.
        torch.testing.assert_close(first["weights"][name], weight, rtol=0, atol=1e-9)
        moved = max(moved, float((weight - one["start"][name]).abs().max()))
        difference = max(difference, float((first["weights"][name] - weight).abs().max()))
    print(f"weights moved by up to {moved:.2g}; one process and two differ by up to {difference:.2g}")
    assert moved > 1e-3
