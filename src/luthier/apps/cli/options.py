"""Options that several commands share, so that they are named and explained alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Force = Annotated[bool, typer.Option("--force", help="Replace what is already at the output.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document, for programs.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the preset; may be given many times."),
]
SoundOutput = Annotated[Path, typer.Option("--output", "-o", help="Sound file to write, .wav or .flac.")]
INSTRUMENT = "Instrument file, or the name of one that comes with luthier (luthier instruments)."
Dry = Annotated[bool, typer.Option("--dry", help="Leave the room out.")]
Room = Annotated[
    Path | None,
    typer.Option(
        "--room",
        help="Play it in another room: a sound file with its impulse response, mono or stereo, or the instrument "
        "whose room it is.",
    ),
]
Gain = Annotated[float, typer.Option("--gain", help="dB to make it louder.")]
Lufs = Annotated[
    float | None, typer.Option("--lufs", help="Loudness wanted, by ITU-R BS.1770; without it as it comes.")
]
Wet = Annotated[float, typer.Option("--wet", help="How much of the room is heard: 1 as recorded, 0 none.")]
Stems = Annotated[
    bool, typer.Option("--stems", help="Write the parts of the sound too, as NAME-harmonic.wav and so on.")
]


def is_given(context: typer.Context, name: str) -> bool:
    """Whether somebody typed an option, rather than leaving it at its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
