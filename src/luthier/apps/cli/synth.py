"""`luthier synth`: the additive synthesiser alone, from control curves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Force, Json, SoundOutput, is_given
from luthier.apps.cli.output import print_json
from luthier.apps.cli.places import refuse_overwriting
from luthier.atomic import refuse_suffix


def synth(
    context: typer.Context,
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
    idle = [option for option in ("f0_hz", "n_harmonics") if curves is not None and is_given(context, option)]
    if idle:
        raise typer.BadParameter(
            f"--{idle[0].replace('_', '-')} is of the tone that sounds without a file: leave it out, or {curves}."
        )
    pictures = [spectrogram] if spectrogram else []
    refuse_overwriting([output, *pictures], [curves], force=force)
    from luthier.apps.curve_files import read_curves
    from luthier.data.audio_files import save_audio
    from luthier.evaluation import plots
    from luthier.inference.additive import additive, diary_curves

    for path in pictures:
        refuse_suffix(path, "pictures", plots.SUFFIXES)
    chosen = read_curves(curves) if curves else diary_curves(f0_hz, n_harmonics)
    audio = additive(chosen, sample_rate=sample_rate, hop_length=hop_length)
    save_audio(output, audio, sample_rate, force=force)
    for path in pictures:
        plots.save_figure(path, plots.spectrogram(audio, sample_rate=sample_rate, title=output.name), force=force)
    if json:
        print_json({"output": output, "spectrogram": spectrogram, "seconds": audio.shape[-1] / sample_rate})
    else:
        print("\n".join(str(path) for path in (output, *pictures)))
