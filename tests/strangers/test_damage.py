"""A second of what `benchmarks/fuzz.py` does for a million inputs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from strangers.mutations import damaged_bytes
from strangers.targets import make_targets

COUNTS = {"instrument header": 400, "instrument file": 60, "manifest": 200, "array": 200, "dataset": 60, "sound container": 200}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_damaged_files_are_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    target = make_targets(tmp_path)[name]
    n_refused = sum(target(random.Random(seed)) for seed in range(COUNTS[name]))
    assert n_refused > 0.05 * COUNTS[name]  # the damage is real


def test_damage_is_the_same_for_the_same_seed() -> None:
    assert damaged_bytes(b"content" * 9, random.Random(5)) == damaged_bytes(b"content" * 9, random.Random(5))
