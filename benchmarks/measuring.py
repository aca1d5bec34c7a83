"""Measuring two implementations side by side: in turn, in processes of their own, by CPU time and medians."""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock

from luthier.atomic import atomic_file

RESULTS = Path(__file__).parent / "results"


class Row(NamedTuple):
    """One comparison. `ratio` says how many times better ours is: higher is better, for time and memory alike.

    A row whose number depends on how busy the machine was says so in its note.
    """

    name: str
    ours: float
    reference: float
    ratio: float
    at_least: float | None = None
    aim: float | None = None
    unit: str = "s"
    note: str = ""


def compare(
    name: str,
    ours: float,
    reference: float,
    *,
    goals: tuple[float, float] | None = None,
    unit: str = "s",
    note: str = "",
) -> Row:
    """A row for two costs, of which less is better."""
    at_least, aim = goals or (None, None)
    return Row(name, ours, reference, reference / ours, at_least, aim, unit, note)


def compare_rates(
    name: str,
    ours: float,
    reference: float,
    *,
    goals: tuple[float, float] | None = None,
    unit: str = "1/s",
    note: str = "",
) -> Row:
    """A row for two speeds, of which more is better."""
    at_least, aim = goals or (None, None)
    return Row(name, ours, reference, ours / reference, at_least, aim, unit, note)


def cpu_seconds(work: Callable[[], Any], *, repeats: int) -> list[float]:
    """CPU time of each call, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return times


def peak_mib() -> float:
    """Largest memory this process has used so far, MiB.

    On Linux getrusage would count what the process that started this one held at that moment.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def in_turn(script: str, variants: dict[str, list[str]], *, rounds: int) -> dict[str, dict[str, float]]:
    """Run a script's variants A B A B ... in processes of their own; medians of the numbers that they print as JSON."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, arguments in variants.items():
            answer = subprocess.run([sys.executable, script, *arguments], check=True, capture_output=True, text=True)
            found[name].append(json.loads(answer.stdout.splitlines()[-1]))
    return {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in found.items()}


def write_rows(rows: list[Row], name: str) -> None:
    """Print a table and lay the rows into results/latest.json, replacing those of the same names.

    Scripts may end at the same time: one after the other reads and replaces the file.
    """
    path = RESULTS / "latest.json"
    RESULTS.mkdir(exist_ok=True)
    with FileLock(RESULTS / "latest.lock"):
        old = json.loads(path.read_text())["rows"] if path.is_file() else []
        names = {row.name for row in rows}
        kept = [row for row in old if row["name"] not in names]
        content = {"machine": machine(), "rows": kept + [row._asdict() | {"script": name} for row in rows]}
        with atomic_file(path, force=True) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
    for row in rows:
        goals = f"   (at least {row.at_least:g}, aim {row.aim:g})" if row.at_least is not None else ""
        costs = f"ours {row.ours:10.4g} {row.unit:4s} reference {row.reference:10.4g}"
        print(f"{row.name:56s} {costs}  ratio {row.ratio:8.2f}{goals}  {row.note}".rstrip())


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    names = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(names) or None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []
