"""`luthier synth`: the additive synthesiser alone, from control curves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Force, Json, SoundOutput
from luthier.apps.cli.output import print_json
from luthier.atomic import atomic_file, refuse_existing


def synth(
    output: SoundOutput,
    curves: Annotated[
        Path | None,
        typer.Argument(
            help="CSV file, one frame a row: f0_hz, amplitude, harmonic_1, harmonic_2 and so on, before scaling. "
            "Without it: a tone that falls in level over falling harmonics."
        ),
    ] = None,
    f0_hz: Annotated[float, typer.Option(help="Pitch of the tone without a CSV file, Hz.")] = 440.0,
    n_harmonics: Annotated[int, typer.Option(help="Harmonics of the tone without a CSV file.")] = 20,
    sample_rate: Annotated[int, typer.Option(min=1, help="Hz.")] = 16000,
    hop_length: Annotated[int, typer.Option(min=1, help="Samples from one row to the next.")] = 64,
    spectrogram: Annotated[Path | None, typer.Option(help="Picture of it to write, .png.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Play control curves with the additive synthesiser, without any training."""
    pictures = [spectrogram] if spectrogram else []
    for path in (output, *pictures):
        refuse_existing(path, force=force)
    from luthier.apps.curve_files import read_curves
    from luthier.data.audio_files import save_audio
    from luthier.evaluation.plots import figure_to_png
    from luthier.evaluation.plots import spectrogram as draw_spectrogram
    from luthier.inference.additive import additive, diary_curves

    chosen = read_curves(curves) if curves else diary_curves(f0_hz, n_harmonics)
    audio = additive(chosen, sample_rate=sample_rate, hop_length=hop_length)
    save_audio(output, audio, sample_rate, force=force)
    for path in pictures:
        with atomic_file(path, force=force) as temporary:
            temporary.write_bytes(figure_to_png(draw_spectrogram(audio, sample_rate=sample_rate, title=output.name)))
    if json:
        print_json({"output": output, "spectrogram": spectrogram, "seconds": audio.shape[-1] / sample_rate})
    else:
        print("\n".join(str(path) for path in (output, *pictures)))
