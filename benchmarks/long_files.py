"""Does memory grow with the recording? `luthier prepare` and `luthier transfer`: a long file beside one of 10 minutes.

python benchmarks/long_files.py                     table and results/latest.json; an hour of sound, about 3 minutes
python benchmarks/long_files.py --minutes 180       three hours of sound
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import soundfile
import torch
from measuring import Row, compare, write_rows

SHORT_MINUTES = 10
GOALS = (0.9, 1.0)
"""Equal within 10 %."""
COMMAND = "from luthier.apps.cli.main import main; main()"


def write_recording(path: Path, minutes: int) -> None:
    """The bundled violin again and again, each time a little quieter or louder."""
    with as_file(files("luthier.apps") / "demo_audio" / "violin.flac") as source:
        phrase, sample_rate = soundfile.read(source, dtype="float32")
    levels = np.random.default_rng(0)
    n_missing = minutes * 60 * sample_rate
    with soundfile.SoundFile(path, "w", sample_rate, 1, "PCM_16") as file:
        while n_missing > 0:
            file.write(levels.uniform(0.5, 1.0) * phrase[:n_missing])
            n_missing -= len(phrase)


def write_instrument(path: Path) -> None:
    """`fast`, with everything as it is before training: memory does not depend on what was learned."""
    from luthier.model.instrument import Instrument
    from luthier.model.instrument_file import TrainingSummary, save_instrument
    from luthier.model.presets import instrument_config, preset_tables

    torch.manual_seed(0)
    instrument = Instrument(instrument_config(preset_tables("fast")["instrument"]))
    save_instrument(path, instrument, TrainingSummary(licence="CC0"))


def measure(arguments: list[str]) -> None:
    """Run a command in a process of its own and print its peak memory and CPU time, its own processes included."""
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {"mib": usage.ru_maxrss / 1024, "cpu": usage.ru_utime + usage.ru_stime}
    print(json.dumps(found | {"wall": time.perf_counter() - before}))


def measured(*arguments: object) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", *map(str, arguments)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def rows(minutes: int, tracker: str) -> list[Row]:
    found: dict[str, dict[int, float]] = {"prepare": {}, "transfer": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instrument = folder / "fast.safetensors"
        write_instrument(instrument)
        for length in (SHORT_MINUTES, minutes):
            sound = folder / f"{length}.wav"
            write_recording(sound, length)
            commands = {
                "prepare": ["prepare", sound, "-o", folder / str(length), "--tracker", tracker, "--jobs", 1],
                "transfer": ["transfer", sound, "--to", instrument, "-o", folder / f"{length}-out.wav"],
            }
            for task, arguments in commands.items():
                numbers = measured(*arguments)
                found[task][length] = numbers["mib"]
                print(f"{task} {length} min: {numbers['mib']:.0f} MiB, {60 * length / numbers['cpu']:.1f} x real time")
    name = f"peak memory, {minutes} min against {SHORT_MINUTES} min"
    return [
        compare(f"{task}: {name}", row[minutes], row[SHORT_MINUTES], goals=GOALS, unit="MiB")
        for task, row in found.items()
    ]


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--tracker", default="swift", help="of prepare; transfer uses the instrument's own")
    arguments = parser.parse_args()
    write_rows(rows(arguments.minutes, arguments.tracker), "benchmarks/long_files.py")


if __name__ == "__main__":
    main()
