import platform
import subprocess
import sys

import pytest

PROGRAM = """
import torch
from luthier.data import memory
def mib():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
if {back}:
    print(memory.give_freed_memory_back())
torch.ones(1 << 22)  # freed at once: from now on the C library keeps blocks of 16 MiB
before = mib()
large, small = zip(*[(torch.ones(1 << 21), torch.ones(1 << 10)) for _ in range(16)])
del large
print(mib() - before)
"""


def printed(*, back: bool) -> list[str]:
    program = PROGRAM.format(back=back)
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told")
def test_large_blocks_go_back_even_if_small_ones_between_them_stay() -> None:
    (usual_mib,) = printed(back=False)
    answer, mib = printed(back=True)
    assert answer == "True"
    assert float(usual_mib) > 100  # of 128
    assert float(mib) < 10
