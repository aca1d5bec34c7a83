"""Run the comparisons that take minutes: `python -m benchmarks`. Each also runs by itself; README.md has the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    "training_step.py",
    "training_throughput.py",
    "loss.py",
    "two_cores.py",
    "rendering.py",
    "streaming.py",
    "preparing.py",
)

if __name__ == "__main__":
    for script in SCRIPTS:
        print(f"== {script}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).parent / script)], check=True)
