"""Memory and threads of a process, which only another process can be asked about."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

NEEDS_GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told")
MIB = """
import torch
from luthier.data.process import give_freed_memory_back, keep_freed_memory
def mib():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
"""
FREED_BETWEEN_SMALL_BLOCKS = """
torch.ones(1 << 22)  # freed at once: from now on the C library keeps blocks of 16 MiB
before = mib()
large, small = zip(*[(torch.ones(1 << 21), torch.ones(1 << 14)) for _ in range(16)])  # small: no hole takes them all
del large
print(mib() - before)
"""
FREED_AFTER_A_STEP = """
before = mib()
with keep_freed_memory() as can:
    torch.ones(1 << 26)
    print(can, mib() - before)
print(mib() - before)
"""
LARGE_TENSORS = """
import contextlib, resource, torch
from luthier.data.process import keep_freed_memory
with {keep}:
    for step in range(20):
        if step == 10:  # by then the memory has its lasting shape
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.empty(1 << 22).fill_(1.0)  # 16 MiB
        torch.empty(1 << 24).fill_(1.0)  # 64 MiB: more than the C library ever keeps by itself
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def printed(program: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()


@NEEDS_GLIBC
def test_large_blocks_go_back_even_if_small_ones_between_them_stay() -> None:
    (usual,) = printed(MIB + FREED_BETWEEN_SMALL_BLOCKS)
    answer, mib = printed(f"{MIB}print(give_freed_memory_back()){FREED_BETWEEN_SMALL_BLOCKS}")
    assert answer == "True"
    assert float(usual) > 100  # of 128
    assert float(mib) < 10


@NEEDS_GLIBC
def test_tensors_of_later_steps_take_the_memory_of_earlier_ones() -> None:
    (usual,) = printed(LARGE_TENSORS.format(keep="contextlib.nullcontext()"))
    (kept,) = printed(LARGE_TENSORS.format(keep="keep_freed_memory()"))
    assert int(kept) < 0.2 * int(usual)  # pages that the system had to zero


@NEEDS_GLIBC
def test_what_training_kept_goes_back_when_it_is_over() -> None:
    can, during, after = printed(MIB + FREED_AFTER_A_STEP)
    assert can == "True"
    assert float(during) > 250  # of 256
    assert float(after) < 10


@NEEDS_GLIBC
def test_large_blocks_go_back_after_training_too() -> None:
    trained = "with keep_freed_memory(): torch.ones(1 << 22)\nprint(give_freed_memory_back())"
    _, mib = printed(f"{MIB}{trained}{FREED_BETWEEN_SMALL_BLOCKS}")
    assert float(mib) < 30  # what fits into the hole that training left; without an end to it all 128
