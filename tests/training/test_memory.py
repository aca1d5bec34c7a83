import platform
import subprocess
import sys

import pytest

LARGE_TENSORS = """
import resource, torch
from luthier.training import memory
if {keep}:
    print(memory.keep_freed_memory())
for step in range(20):
    if step == 10:  # by then the memory has its lasting shape
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(1 << 22).fill_(1.0)  # 16 MiB
    torch.empty(1 << 24).fill_(1.0)  # 64 MiB: more than the C library ever keeps by itself
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def printed(*, keep: bool) -> list[str]:
    program = LARGE_TENSORS.format(keep=keep)
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told")
def test_tensors_of_later_steps_take_the_memory_of_earlier_ones() -> None:
    (usual,) = printed(keep=False)
    answer, kept = printed(keep=True)
    assert answer == "True"
    assert int(kept) < 0.2 * int(usual)  # pages that the system had to zero
