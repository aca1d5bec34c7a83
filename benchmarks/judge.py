"""How right evaluation's own pitch tracker is, on sounds whose pitch is known exactly.

    python -m benchmarks.judge [--audio ../shared/audio] [--json rows.json]

recording ─► pitch, harmonics, noise of every frame ─► rendered again ─► YIN: what it hears against what was rendered
                                                   `─► in a room ──────'

What is rendered glides, swells and breathes as voices and instruments do, and its pitch is what was put in, whether
that was the recording's or not. Frames count where the harmonics play within 35 dB of the loud ones; `sure` is the share
of them that `CONFIDENT` lets through, and the others are counted on these.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from benchmarks.measuring import machine
from benchmarks.timbre import AUDIO
from benchmarks.transfer import SPEECH
from torch import Tensor

from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.dsp.convolution import fft_convolve
from luthier.dsp.rendering import render_dry
from luthier.dsp.signals import Features
from luthier.evaluation.pitch import CONFIDENT, IN_TUNE_CENTS, OCTAVE_ERROR_CENTS, track_yin
from luthier.features.loudness import loudness_db
from luthier.features.pitch import track_pitch
from luthier.inference.note_gate import voiced_gain
from luthier.inference.player import load_player
from luthier.model.instrument import white_noise
from luthier.units import amplitude_to_db, ratio_to_cents

RATES = {"sample_rate": 16000, "hop_length": 160}
FRAME_RATE = 100
LOUD_QUANTILE, AUDIBLE_DB = 0.95, 35.0
ROOM_OF = "violin"
"""Whose learned room the violin is heard in besides."""
FIRST_SECONDS, SECONDS = 20, 15
"""Of a long recording; of a short one, from its beginning."""
WINDS = ("alto_sax_weresax", "tenor_sax_mtg", "bagpipe_chanter_sadowski")


class Sound(NamedTuple):
    """A sound and its pitch.

    Attributes:
        audio: (1, n_samples).
        f0_hz: (n_frames,).
        counted: (n_frames,), where it can be heard.
    """

    audio: Tensor
    f0_hz: Tensor
    counted: Tensor


def rendered_again(path: Path) -> Sound:
    """A recording's frames as our synthesisers play them, silent where it has no pitch."""
    clip = load_audio(path, RATES["sample_rate"])[0]
    first, length = (seconds * RATES["sample_rate"] for seconds in (FIRST_SECONDS, SECONDS))
    clip = clip[:, first : first + length] if clip.shape[1] > 3 * length else clip[:, :length]
    pitch = track_pitch(clip, **RATES)
    controls = analyse(clip, pitch.f0_hz, n_harmonics=60, n_bands=65, **RATES)
    gain = voiced_gain(Features(*pitch, loudness_db(clip, **RATES)), FRAME_RATE)
    controls = controls._replace(amplitude=controls.amplitude * gain)
    n_samples = pitch.f0_hz.shape[1] * RATES["hop_length"]
    noise = white_noise(1, n_samples, torch.Generator().manual_seed(0))
    level_db = amplitude_to_db(controls.amplitude.flatten())
    counted = (gain.flatten() == 1) & (level_db > level_db.quantile(LOUD_QUANTILE) - AUDIBLE_DB)
    return Sound(torch.stack(list(render_dry(controls, noise, **RATES))).sum(0), pitch.f0_hz.flatten(), counted)


def row(name: str, sounds: Iterable[Sound]) -> dict[str, str | float]:
    """All sounds of a kind as one."""
    cents, sure = [], []
    for sound in sounds:
        heard = track_yin(sound.audio, **RATES)
        cents.append(ratio_to_cents(heard.f0_hz[0] / sound.f0_hz).abs()[sound.counted])
        sure.append((heard.confidence[0] >= CONFIDENT)[sound.counted])
    errors, trusted = torch.cat(cents), torch.cat(sure)
    return {
        "sounds": name,
        "frames": len(errors),
        "within_50": round(float((errors <= IN_TUNE_CENTS).float().mean()), 4),
        "sure": round(float(trusted.float().mean()), 3),
        "sure_within_50": round(float((errors[trusted] <= IN_TUNE_CENTS).float().mean()), 4),
        "sure_octaves": round(float((errors[trusted] >= OCTAVE_ERROR_CENTS).float().mean()), 4),
        "sure_cents": round(float(errors[trusted].median()), 2),
    }


def kinds(audio: Path) -> Iterable[tuple[str, list[Sound]]]:
    """Sounds by their kind."""
    voices = {path.stem: rendered_again(path) for path in sorted((audio / "voice").glob("*.flac"))}
    yield "speech", [sound for name, sound in voices.items() if name in SPEECH]
    yield "singing", [sound for name, sound in voices.items() if name not in SPEECH]
    yield "phrases", [rendered_again(path) for path in sorted((audio / "phrases").glob("*.flac"))]
    found = {name: sorted((audio / name).rglob("*.flac")) for name in WINDS}
    yield "single notes of winds", [rendered_again(path) for paths in found.values() for path in paths[::8]]
    violins = [rendered_again(path) for path in sorted((audio / "violin_garner").glob("*.flac"))]
    yield "violin", violins
    rooms = {f"violin in the room of `{ROOM_OF}`": load_player(ROOM_OF).room()}
    for path in sorted((audio / "ir").glob("openair_*.flac"))[:2]:
        response = load_audio(path, RATES["sample_rate"])[0][0]
        rooms[f"violin in {path.stem}"] = response[int(response.abs().argmax()) :]
    for name, room in rooms.items():
        yield name, [sound._replace(audio=fft_convolve(sound.audio, room)) for sound in violins]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=AUDIO)
    parser.add_argument("--json", type=Path, help="write the rows there too")
    wanted = parser.parse_args()
    print(machine())
    rows = []
    for name, sounds in kinds(wanted.audio):
        rows.append(row(name, sounds))
        if len(rows) == 1:
            print(f"\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
        print(f"| {' | '.join(map(str, rows[-1].values()))} |", flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
