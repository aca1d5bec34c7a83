"""Ten hours of sound beside one: the memory of `prepare` stays as it is, its time grows with the material."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile

TAKES_HOURS = (3, 1, 1, 1, 1, 1, 1, 1)
"""One long take and seven of an hour."""
SCRIPT = """
import json, resource, sys
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
report = prepare(sys.argv[1:2], sys.argv[2], FeatureDefinition(tracker="swift"), n_jobs=1)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": report.seconds, "mib": usage.ru_maxrss / 1024, "cpu": usage.ru_utime + usage.ru_stime}))
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux counts it")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Gone at once: the test fills some gigabytes."""
    with TemporaryDirectory() as name:
        yield Path(name)


def write_takes(folder: Path, takes_hours: tuple[int, ...]) -> Path:
    """The bundled violin again and again, each time a little quieter or louder."""
    folder.mkdir()
    levels = np.random.default_rng(len(takes_hours))
    with as_file(files("luthier.apps") / "demo_audio" / "violin.flac") as source:
        phrase, sample_rate = soundfile.read(source, dtype="float32")
    for number, hours in enumerate(takes_hours):
        n_missing = hours * 3600 * sample_rate
        with soundfile.SoundFile(folder / f"take {number}.wav", "w", sample_rate, 1, "PCM_16") as file:
            while n_missing > 0:
                file.write(levels.uniform(0.5, 1.0) * phrase[:n_missing])
                n_missing -= len(phrase)
    return folder


def measured(recordings: Path, output: Path) -> dict[str, float]:
    """Seconds of sound, peak memory and CPU time of `prepare`, in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, str(recordings), str(output)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    print(f"{recordings.name}: {found}")
    return found


def test_ten_hours_need_the_memory_of_one_and_ten_times_its_time(folder: Path) -> None:
    one = measured(write_takes(folder / "one hour", (1,)), folder / "one")
    ten = measured(write_takes(folder / "ten hours", TAKES_HOURS), folder / "ten")
    assert ten["seconds"] == 10 * one["seconds"] == 36000
    assert ten["mib"] < 1.1 * one["mib"]
    assert ten["cpu"] == pytest.approx(10 * one["cpu"], rel=0.2)  # caches are shared with whoever else works there
