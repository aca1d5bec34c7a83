"""`luthier transfer`: what somebody sings or plays, played by an instrument."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Dry, Force, Json, Room, SoundOutput, Stems, Wet
from luthier.apps.cli.output import print_json, say
from luthier.apps.cli.sounds import check_room, load_impulse_response, measure, refuse_stems, save_blocks, stem_names
from luthier.atomic import refuse_existing

LOUDNESS_WORDS = ("auto", "standardise", "none")


def transfer(
    input_: Annotated[Path, typer.Argument(metavar="INPUT", help="Sound file: a voice, or any single melody.")],
    instrument: Annotated[Path, typer.Option("--to", help="Instrument file.")],
    output: SoundOutput,
    octave: Annotated[str, typer.Option(help="auto: into the instrument's range; or a number of octaves.")] = "auto",
    semitones: Annotated[float, typer.Option(help="Semitones to shift by, besides the octaves.")] = 0.0,
    loudness: Annotated[
        str,
        typer.Option(
            help="auto: the notes as loud as the instrument's; standardise: mean and spread of the instrument; "
            "none: as it is; or a number of dB to add."
        ),
    ] = "auto",
    expression: Annotated[
        str,
        typer.Option(
            help="How it is played. input: as bright, warm, noisy as the input, matched to the instrument's; predict: "
            "as the instrument would by itself; auto: as the input where that suits the instrument."
        ),
    ] = "auto",
    brightness: Annotated[float, typer.Option(help="Octaves by which the harmonics' centre is raised.")] = 0.0,
    warmth: Annotated[float, typer.Option(help="dB more of the fundamental.")] = 0.0,
    hollowness: Annotated[float, typer.Option(help="dB more of the odd harmonics.")] = 0.0,
    noisiness: Annotated[float, typer.Option(help="dB more of noise.")] = 0.0,
    air: Annotated[float, typer.Option(help="Octaves by which the noise's centre is raised.")] = 0.0,
    dry: Dry = False,
    room: Room = None,
    wet: Wet = 1.0,
    stems: Stems = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Play a melody with an instrument: pitch and loudness are kept, the timbre is the instrument's."""
    octave_shift = _octave(octave)
    loudness_change = _loudness(loudness)
    check_room(dry=dry, room=room)
    refuse_existing(output, force=force)
    import torch

    from luthier.dsp.signals import Expression
    from luthier.inference.player import load_player
    from luthier.inference.rendering import RoomChoice, render_blocks

    player = load_player(instrument)
    if stems:
        refuse_stems(output, player, force=force)
    place = RoomChoice(load_impulse_response(room, player.sample_rate), 0.0 if dry else wet)
    fitted = player.fit(
        measure(input_, player),
        octave=octave_shift,
        semitones=semitones,
        loudness=loudness_change,
        expression=expression,
        offsets=Expression(*map(torch.tensor, (brightness, warmth, hollowness, noisiness, air))),
    )
    blocks = render_blocks(player.instrument, fitted.features, place, edit=fitted.gate.apply)
    names = stem_names(player) if stems else []
    parts = save_blocks(output, blocks, player.sample_rate, stems=names, force=force)
    for warning in fitted.warnings:
        say(f"luthier: {warning}")
    if json:
        print_json(
            {
                "output": output,
                "stems": parts,
                "shift_semitones": fitted.shift_semitones,
                "loudness_shift_db": fitted.loudness_shift_db,
                "expression": fitted.expression,
                "warnings": list(fitted.warnings),
            }
        )
    else:
        print("\n".join(str(path) for path in (output, *parts)))


def _octave(text: str) -> str | int:
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected auto or a whole number.", param_hint="--octave") from None


def _loudness(text: str) -> str | float:
    if text in LOUDNESS_WORDS:
        return text
    try:
        return float(text)
    except ValueError:
        expected = ", ".join(LOUDNESS_WORDS)
        raise typer.BadParameter(f"{text!r}: expected {expected} or a number of dB.", param_hint="--loudness") from None
