"""A song written down as notes and played from them: python examples/notes.py FOLDER [bagpipe-chanter]."""

import sys
from importlib.resources import files
from pathlib import Path

import luthier
from luthier.analysis.checkup_range import note_name
from luthier.data.audio_files import load_audio, save_audio
from luthier.evaluation.plots import feature_overlay, figure_to_png
from luthier.export.midi_notes import save_notes
from luthier.inference.notes import find_notes

folder = Path(sys.argv[1])
player = luthier.load(sys.argv[2] if len(sys.argv) > 2 else "bagpipe-chanter")
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
voice = voice[:, : 6 * sample_rate]
frame_rate = player.instrument.config.features.frame_rate
sung = player.measure(voice, sample_rate)
notes = find_notes(sung, frame_rate)
save_notes(folder / "notes.mid", notes, frame_rate, force=True)
print("notes.mid:", " ".join(note_name(round(note.midi)) for note in notes))
# Every note straight and in tune, as a chanter plays it, an octave above the singer.
straight = player.transfer(voice, sample_rate, octave=1, autotune=1.0, vibrato=0.0)
save_audio(folder / "straight.wav", straight.at_level(lufs=-20).audio, player.sample_rate, force=True)
print(f"straight.wav: {straight.shift_semitones:+g} semitones")
picture = feature_overlay(sung, straight.features, frame_rate=frame_rate)
(folder / "notes.png").write_bytes(figure_to_png(picture))
