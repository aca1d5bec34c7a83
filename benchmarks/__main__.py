"""Run every comparison: `python -m benchmarks`. Each also runs by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = ("training_step.py",)

if __name__ == "__main__":
    for script in SCRIPTS:
        print(f"== {script}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).parent / script)], check=True)
