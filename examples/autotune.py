"""A singer, put in tune and played in half a dozen ways: python examples/autotune.py FOLDER [violin]."""

import sys
from importlib.resources import files
from pathlib import Path

import luthier
from luthier.data.audio_files import load_audio, save_audio

folder = Path(sys.argv[1])
player = luthier.load(sys.argv[2] if len(sys.argv) > 2 else "violin")
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
voice = voice[:, : 3 * sample_rate]
ways = {
    "as-sung": {},
    "in-tune": {"autotune": 1.0, "scale": "auto"},
    "without-vibrato": {"vibrato": 0.0},
    "gliding": {"glide": 0.2},
    "soft-attacks": {"attack": 0.15},
    "dark": {"tilt_db": -4.0},
}
for name, wishes in ways.items():
    result = player.transfer(voice, sample_rate, **wishes).at_level(lufs=-20)
    save_audio(folder / f"{name}.wav", result.audio, result.sample_rate, force=True)
    print(f"{name}.wav: shifted by {result.shift_semitones:g} semitones; scale: {result.scale}")
